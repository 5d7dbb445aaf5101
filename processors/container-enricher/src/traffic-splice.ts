import type { Output } from '@syscribe/runtime'
import { topics } from '@syscribe/schemas'

/** Branch bytes of the topic `traffic`: the index of the kind in its union, zigzag. */
export const trafficBranch = {
  message: topics.traffic.records.indexOf('TrafficMessage') << 1,
  connection: topics.traffic.records.indexOf('TrafficConnection') << 1,
  end: topics.traffic.records.indexOf('TrafficConnectionEnd') << 1,
}

/**
 * Writes records of `traffic` from parts that are encoded already. Each kind of it is the client's Party, the server's
 * Party and the input record, and Avro encodes a nested record like a lone one (Avro 1.12, "Records"): the bytes of the
 * input go in unchanged.
 */
export class TrafficSplice {
  #branch = 0
  #parties: Uint8Array = new Uint8Array(0)
  #source: Buffer = Buffer.alloc(0)
  #from = 0

  /**
   * @param parties the encoded Party of the client and then of the server.
   * @param source holds the encoded input record from byte `from` on.
   */
  emit(
    out: Output,
    key: Uint8Array,
    timestamp: number,
    branch: number,
    parties: Uint8Array,
    source: Buffer,
    from: number,
  ): void {
    this.#branch = branch
    this.#parties = parties
    this.#source = source
    this.#from = from
    out.emitEncoded('traffic', key, timestamp, 1 + parties.length + source.length - from, this.#write)
  }

  /** One function for all records: a step makes no closure. */
  readonly #write = (buffer: Buffer, position: number): number => {
    const body = position + 1 + this.#parties.length
    const end = body + this.#source.length - this.#from
    if (end > buffer.length) return buffer.length - end
    buffer[position] = this.#branch
    buffer.set(this.#parties, position + 1)
    this.#source.copy(buffer, body, this.#from)
    return end
  }
}
