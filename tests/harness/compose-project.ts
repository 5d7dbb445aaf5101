import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContainerEngine } from './container-engines.js'
import { run } from './program.js'
import { repository } from './repository.js'

/** What a container engine tells of a container, under the names that the outputs use. */
export interface ToldContainer {
  container_id: string
  container_name: string
  image: string
  /** The Compose service; null without its label. */
  service: string | null
  /** Its first address, empty while it does not run. */
  address: string
  /** RFC 3339, nanoseconds. */
  startedAt: string
  finishedAt: string
}

/** The demo of infra/demo/compose.yaml on an engine of a test's own, with stand-ins for the images. */
export class ComposeProject {
  readonly name = 'demo'
  readonly #engine: ContainerEngine
  readonly #folder = mkdtempSync(join(tmpdir(), 'syscribe-compose-'))
  readonly #env: Record<string, string>

  /**
   * @param profile the value of ADI_PROFILE in place of the file's.
   * @param subnet of the default network: in one of the user's, containers can be given addresses.
   */
  constructor(engine: ContainerEngine, profile: string, subnet: string) {
    this.#engine = engine
    this.#env = { DOCKER_HOST: `unix://${engine.socket}` }
    const programs = ['http-service', 'request-logger', 'traffic-generator']
    const services = programs.map((program) => [program, { environment: { ADI_PROFILE: profile } }])
    const networks = { default: { ipam: { config: [{ subnet }] } } }
    // JSON is YAML.
    writeFileSync(this.#override, JSON.stringify({ services: Object.fromEntries(services), networks }))
  }

  get #override(): string {
    return join(this.#folder, 'override.yaml')
  }

  /** The images that the compose file names, made of this machine's programs. */
  async makeImages(): Promise<void> {
    const script = `${repository}infra/demo/dist/stand-ins/main.js`
    await run({ command: process.execPath, args: [script, 'docker'], env: this.#env })
  }

  async compose(...args: string[]): Promise<string> {
    const files = ['-f', `${repository}infra/demo/compose.yaml`, '-f', this.#override]
    const { stdout } = await run({
      command: 'docker-compose',
      args: ['-p', this.name, ...files, ...args],
      env: this.#env,
    })
    return stdout.trim()
  }

  /** The container of a service, which may have ended. */
  async containerOf(service: string): Promise<ToldContainer> {
    return this.told(await this.compose('ps', '-q', service))
  }

  /** What the engine tells of a container, by name or id. */
  told(container: string): ToldContainer {
    const [found] = JSON.parse(this.#engine.cli('inspect', container))
    const networks: { IPAddress: string }[] = Object.values(found.NetworkSettings.Networks)
    return {
      container_id: found.Id,
      container_name: found.Name.slice(1),
      image: found.Config.Image,
      service: found.Config.Labels?.['com.docker.compose.service'] ?? null,
      address: networks[0]?.IPAddress ?? '',
      startedAt: nineDigits(found.State.StartedAt),
      finishedAt: nineDigits(found.State.FinishedAt),
    }
  }

  /** What traffic-generator says at its end: how many answers it got to which request. */
  calls(): Record<string, number> {
    const container = this.#engine.cli('ps', '-aq', '--filter', 'label=com.docker.compose.service=traffic-generator')
    const said = this.#engine.cli('logs', container)
    return JSON.parse(/^calls (.*)$/m.exec(said)?.[1] ?? 'null')
  }

  /** What runs, and what traffic-generator said last: for a test that waits in vain. */
  state(): string {
    const container = this.#engine.cli('ps', '-aq', '--filter', 'label=com.docker.compose.service=traffic-generator')
    const log = spawnSync('docker', ['logs', '--tail', '5', container], { env: { ...process.env, ...this.#env } })
    return `${this.#engine.cli('ps', '-a')}\n${log.stdout}${log.stderr}`
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** A time of the engine with all nine digits of the second, so that texts compare as times. */
function nineDigits(time: string): string {
  const [, seconds, fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(time) ?? []
  return `${seconds}.${fraction.padEnd(9, '0')}Z`
}
