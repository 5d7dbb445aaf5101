/** A projection of which URLs were asked for: the text of a module without any package. */
export const urlsProjection = `export default {
  name: 'urls', topics: ['http'],
  state: { version: 1, encode: (value) => Buffer.from(value), decode: (bytes) => bytes.toString() },
  async open(target) {
    const { writeFileSync } = await import('node:fs')
    return {
      apply(input, state) {
        if (input.codec.kindOf(input.value) !== 'HttpMessage') return
        const { kind, url } = input.codec.decode(input.value).value
        if (kind === 'request') state.set(url, 'seen')
      },
      async flush(state) { writeFileSync(target, [...state.entries()].join('\\n')); return '' },
      async close() {},
    }
  },
}`
