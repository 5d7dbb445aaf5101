/** The brokers that KAFKA_BROKERS names (host:port, comma-separated), or null. */
export function givenBroker() {
  const brokers = (process.env.KAFKA_BROKERS ?? '')
    .split(',')
    .flatMap((part) => (part.trim() === '' ? [] : [part.trim()]))
  if (brokers.length === 0) return null
  return { kind: /** @type {const} */ ('given'), brokers, stop: async () => undefined }
}
