/** Small, seeded and the same everywhere: fuzzing must be repeatable (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const words = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '0',
  '1',
  'f',
  '-1',
  '99999999999999999999',
  '\r\n\r\n',
  '\r\n ',
  ' : ',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  ' HTTP/1.1\r\n',
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 100 \r\n\r\n',
  'HTTP/1.1 101 \r\n\r\n',
  'HTTP/1.1 204 \r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  'HEAD ',
  'CONNECT ',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Content-Encoding: gzip\r\n',
  'Content-Encoding: br\r\n',
  '0\r\n\r\n',
  '5\r\nhello\r\n',
  '\xff',
  '\xc3\xa4',
].map((word) => Buffer.from(word, 'latin1'))

/** Changes the bytes in a few places: what real streams look like when something is wrong. */
export function mutate(bytes: Buffer, corpus: readonly Buffer[], next: () => number): Buffer {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T
  let result = bytes
  for (let times = 1 + Math.floor(next() * 4); times > 0; times--) {
    const at = Math.floor(next() * (result.length + 1))
    const to = Math.min(result.length, at + Math.floor(next() * (next() < 0.8 ? 8 : 200)))
    const before = result.subarray(0, at)
    switch (Math.floor(next() * 6)) {
      case 0:
        result = Buffer.concat([before, pick(words), result.subarray(at)])
        break
      case 1:
        result = Buffer.concat([before, pick(words), result.subarray(to)])
        break
      case 2:
        result = Buffer.concat([before, result.subarray(to)])
        break
      case 3:
        result = Buffer.concat([before, result.subarray(at, to), result.subarray(at)])
        break
      case 4: {
        const other = pick(corpus)
        const from = Math.floor(next() * other.length)
        result = Buffer.concat([before, other.subarray(from, from + 300), result.subarray(at)])
        break
      }
      default:
        if (at < result.length) {
          result = Buffer.from(result)
          result[at] = Math.floor(next() * 256)
        }
    }
  }
  return result
}
