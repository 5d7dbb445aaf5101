/** What the recorder uses of memjs, which has no types of its own. */
declare module 'memjs' {
  interface Client {
    set(key: string, value: string, options: { expires: number }): Promise<boolean>
    get(key: string): Promise<{ value: Buffer | null }>
    delete(key: string): Promise<boolean>
    close(): void
  }
  const memjs: { Client: { create(servers: string): Client } }
  export default memjs
}
