import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programs, type Server, startServer } from '../../harness/program.js'

/** Programs built for one run of a benchmark. */
export class BenchPrograms {
  readonly directory = mkdtempSync(join(tmpdir(), 'syscribe-bench-'))
  constructor() {
    execFileSync('go', ['build', '-o', `${this.directory}/`, './...'], { cwd: `${programs}go` })
  }
  get load(): string {
    return join(this.directory, 'load')
  }
  remove(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** Go's net/http, answering a short JSON body. */
  go(env: Record<string, string>): Promise<Server> {
    return startServer((port) => ({ command: join(this.directory, 'server'), args: [`${port}`], env }))
  }

  /** nginx with one worker, answering a short body. */
  nginx(env: Record<string, string>): Promise<Server> {
    return startServer((port) => {
      const path = join(this.directory, `nginx-${port}.conf`)
      writeFileSync(
        path,
        `worker_processes 1; daemon off; pid ${this.directory}/nginx-${port}.pid; error_log stderr;
         events { worker_connections 20000; }
         http {
           access_log off; keepalive_requests 100000000;
           client_body_temp_path ${this.directory}; proxy_temp_path ${this.directory};
           fastcgi_temp_path ${this.directory}; uwsgi_temp_path ${this.directory}; scgi_temp_path ${this.directory};
           server {
             listen 127.0.0.1:${port} backlog=4096;
             location / { default_type application/json; return 200 '{"hello":"nginx"}'; }
           }
         }`,
      )
      const wait = `until (exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null; do sleep 0.05; done; echo listening; wait`
      return { command: 'bash', args: ['-c', `nginx -c ${path} & ${wait}`], env }
    })
  }
}
