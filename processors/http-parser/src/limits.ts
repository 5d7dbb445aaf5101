/** What the parser will hold and wait for. Times are event time (of the records), never the clock. */
export const limits = {
  /** Start line and header fields of one message, bytes. A longer head is not taken for HTTP. */
  headBytes: 256 * 1024,
  /** Bytes of one message kept; the rest counts as missing, `capture_cap`. */
  messageBytes: 64 * 1024 * 1024,
  /** Bytes kept of a message whose head was never seen. */
  headlessBytes: 64 * 1024,
  /** Pieces, and bytes in them, that one direction holds while an earlier piece or the request is awaited. */
  heldPieces: 32,
  heldBytes: 1024 * 1024,
  /** How long it waits for that piece or request, microseconds. */
  waitMicros: 1_000_000,
  /** How long after its close a socket may still be read from (data already received), microseconds. */
  lingerMicros: 2_000_000,
  /** A connection without a record for so long is forgotten, microseconds; its end was lost. */
  idleMicros: 6 * 3600 * 1_000_000,
  /** A body after its content codings are removed. */
  decodedBodyBytes: 16 * 1024 * 1024,
  /** Requests awaiting their response on one connection. */
  pendingRequests: 4096,
  /** Answers after which a client that was seen to pipeline is taken for one that does not. */
  pipeliningMemory: 64,
  /** Bytes of their methods and targets. */
  pendingBytes: 1024 * 1024,
  /** How far back from ` HTTP/1.x` the request line may begin when a message boundary is searched. */
  lookBackBytes: 16 * 1024,
  /** Changes of direction without finding a message boundary after which a connection is taken for something else. */
  searchTurns: 16,
  /** Bytes searched in vain after which it is. */
  searchBytes: 256 * 1024 * 1024,
} as const
