/** Where the schemas of a log are kept, and how values name theirs. */
export interface Schemas {
  /**
   * The id of a topic's schema, made when there is none.
   * @throws LogError `invalid` when it cannot follow the topic's earlier ones, `unavailable`
   */
  register(topic: string, schema: object): Promise<number>
  /** @throws LogError `unknown_schema`, `unavailable` */
  schema(id: number): Promise<object>
  /** Makes sure that `frame` knows an id. @throws LogError `unknown_schema`, `unavailable` */
  prepare(id: number): Promise<void>
  /** What stands before the values of a schema (framing.ts). */
  frame(id: number): Uint8Array
}
