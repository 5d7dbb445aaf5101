import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InputRecord } from '@syscribe/runtime'
import { createServiceMap, type Endpoint, type Service, type ServiceConnection, type ServiceMap } from '../src/index.js'
import { mapStateFormat } from '../src/map-state.js'
import { TestState } from './test-state.js'

export const clocked = createServiceMap(() => Date.UTC(2024, 3, 8, 18, 30))

/** The text of the map of some records; with `stops`, the projection is stopped and restored behind those records. */
export async function textOf(records: InputRecord[], stops: readonly number[] = []): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'service-map-'))
  const path = join(folder, 'map.json')
  try {
    const kept = new Map<string, Uint8Array>()
    let state = new TestState(mapStateFormat)
    let map = await clocked.open(path, null, { rawPayload: true })
    for (const [index, record] of records.entries()) {
      map.apply(record, state)
      if (!stops.includes(index)) continue
      const metadata = await map.flush(state, true)
      state.checkpoint(kept)
      await map.close()
      state = new TestState(mapStateFormat, kept)
      map = await clocked.open(path, metadata, { rawPayload: true })
    }
    await map.flush(state, true)
    await map.close()
    return readFileSync(path, 'utf8')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export async function mapOf(...records: (InputRecord | InputRecord[])[]): Promise<ServiceMap> {
  return JSON.parse(await textOf(records.flat()))
}

export async function onlyService(...records: (InputRecord | InputRecord[])[]): Promise<Service> {
  const { services } = await mapOf(...records)
  if (services.length !== 1) throw new Error(`${services.length} services`)
  return services[0] as Service
}

export const endpointsOf = async (...records: (InputRecord | InputRecord[])[]): Promise<Endpoint[]> =>
  (await onlyService(...records)).endpoints

export const connectionsOf = async (...records: (InputRecord | InputRecord[])[]): Promise<ServiceConnection[]> =>
  (await onlyService(...records)).connections
