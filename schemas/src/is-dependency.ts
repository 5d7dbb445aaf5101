/**
 * Whether a connection of this protocol is shown as something a program depends on. One in which nothing was recognised
 * says no more than an address; a look-up of a name serves the connection that follows, which it names.
 */
export function isDependency(protocol: string | null): protocol is string {
  return protocol !== null && protocol !== 'dns'
}
