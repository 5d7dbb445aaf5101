import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Command, node, programs, run, type Server, startServer } from '../harness/program.js'
import { type Line, Syscribe } from '../harness/syscribe.js'

// Real servers and clients in several languages, both ends observed: N requests by the client's own count are N
// requests and N responses at each end, in order, bodies equal byte for byte.

const count = 60
const profile = `languages-${process.pid}`
const built = mkdtempSync(join(tmpdir(), 'syscribe-programs-'))
let syscribe: Syscribe
const running: Server[] = []

const env = (name: string) => ({ ADI_PROFILE: profile, ADI_PROFILE_NAME: name })

const servers: Record<string, (port: number) => Command> = {
  go: (port) => ({ command: `${built}/server`, args: [`${port}`] }),
  node: (port) => node('server.mjs', `${port}`),
  python: (port) => ({ command: 'python3', args: [`${programs}server.py`, `${port}`] }),
  java: (port) => ({ command: 'java', args: ['-Xshare:auto', '-cp', built, 'Server', `${port}`] }),
}

const clients: Record<string, (url: string) => Command> = {
  go: (url) => ({ command: `${built}/client`, args: [url, `${count}`] }),
  node: (url) => node('client.mjs', url, `${count}`),
  python: (url) => ({ command: 'python3', args: [`${programs}client.py`, url, `${count}`] }),
  java: (url) => ({ command: 'java', args: ['-Xshare:auto', '-cp', built, 'Client', url, `${count}`] }),
  curl: (url) => ({ command: `${programs}client.sh`, args: [url, `${count}`] }),
  ruby: (url) => ({ command: 'ruby', args: [`${programs}client.rb`, url, `${count}`] }),
}

/** nginx in front of another server: client and server at once, with worker processes that master forked. */
async function startNginx(upstream: number): Promise<Server> {
  return startServer((port) => {
    const path = join(built, 'nginx.conf')
    writeFileSync(
      path,
      `worker_processes 2; daemon off; pid ${built}/nginx.pid; error_log stderr; env ADI_PROFILE;
       events {}
       http {
         access_log off;
         client_body_temp_path ${built}; proxy_temp_path ${built}; fastcgi_temp_path ${built};
         uwsgi_temp_path ${built}; scgi_temp_path ${built};
         upstream up { server 127.0.0.1:${upstream}; keepalive 4; }
         server {
           listen 127.0.0.1:${port};
           location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; }
         }
       }`,
    )
    const wait = `until (exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null; do sleep 0.05; done; echo listening; wait`
    return { command: 'bash', args: ['-c', `nginx -c ${path} & ${wait}`], env: env('nginx') }
  })
}

beforeAll(async () => {
  await run({ command: 'go', args: ['build', '-o', `${built}/`, './...'], cwd: `${programs}go` })
  await run({ command: 'javac', args: ['-d', built, `${programs}java/Server.java`, `${programs}java/Client.java`] })
  syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile })
}, 180_000)

afterAll(async () => {
  for (const server of running) await server.stop()
  await syscribe?.dispose()
  rmSync(built, { recursive: true, force: true })
})

test('what clients count is what the outputs hold, in every language', { timeout: 180_000 }, async () => {
  const expected: { server: string; client: string; port: number }[] = []
  for (const [name, command] of Object.entries(servers)) {
    const server = await startServer((port) => ({ ...command(port), env: env(`${name}-server`) }))
    running.push(server)
    for (const [client, clientCommand] of Object.entries(clients)) {
      const told = clientCommand(`http://127.0.0.1:${server.port}`)
      const { stdout } = await run({ ...told, env: env(`${client}-client`) })
      expect(Number(stdout), `${client} to ${name}`).toBe(count)
      expected.push({ server: `${name}-server`, client: `${client}-client`, port: server.port })
    }
  }
  const nginx = await startNginx(running[1]?.port ?? 0)
  running.push(nginx)
  const told = clients.go?.(`http://127.0.0.1:${nginx.port}`) as Command
  await run({ ...told, env: env('go-client') })
  expected.push({ server: 'nginx', client: 'go-client', port: nginx.port })

  for (const server of running.splice(0)) await server.stop()
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)

  const lines = syscribe.outputs.lines()
  expect(lines.filter(({ complete }) => complete !== true)).toEqual([])
  for (const { server, client, port } of expected) {
    const named = lines.filter(({ source_service, dest_port, source_port, destination_service }) => {
      const services = [source_service, destination_service]
      return services.includes(client) && services.includes(server) && (dest_port === port || source_port === port)
    })
    const half = (kind: 'method' | 'status_code', direction: string) =>
      named.filter(
        (line) =>
          line.direction === direction && (kind === 'status_code' ? 'status_code' in line : !('status_code' in line)),
      )
    const pair = `${client} to ${server}`
    const sent = half('method', 'send')
    expect(sent.map(urlOf), `${pair}: requests sent`).toEqual(urls)
    expect(half('method', 'recv').map(urlOf), `${pair}: requests received`).toEqual(urls)
    expect(half('status_code', 'send').map(urlOf), `${pair}: responses sent`).toEqual(urls)
    expect(half('status_code', 'recv').map(urlOf), `${pair}: responses received`).toEqual(urls)
    const bodies = sent.map(({ body }) => body)
    expect(bodies.map((body) => JSON.parse(body as string).n)).toEqual(urls.map((_, n) => n))
    expect(half('method', 'recv').map(({ body }) => body)).toEqual(bodies)
    expect(half('status_code', 'recv').map(({ body }) => body)).toEqual(bodies)
    expect(new Set(named.map(({ connection_id, exchange }) => `${connection_id}/${exchange}`)).size).toBe(count)
  }

  const services = syscribe.outputs.map().services
  for (const { server, client } of expected) {
    const endpoints = services.find(({ name }) => name === client)?.endpoints ?? []
    expect(endpoints.filter(({ destination }) => destination === server).length, `${client} to ${server}`).toBe(count)
  }
})

const urls = Array.from({ length: count }, (_, n) => `/echo/${n}`)

function urlOf(line: Line): unknown {
  return line.url
}
