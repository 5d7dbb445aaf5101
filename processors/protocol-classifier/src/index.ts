import type { Processor } from '@syscribe/runtime'
import { Classifier } from './classifier.js'
import type { ConnectionState } from './state.js'
import { stateFormat } from './state-format.js'

export type { ConnectionState, End } from './state.js'

/**
 * Classifies connections: which protocol each speaks, by its payload on any port first and by the usual ports second,
 * and what passed until it ended. Also reads the DNS answers that processes received.
 */
export const protocolClassifier: Processor<ConnectionState> = {
  name: 'protocol-classifier',
  streams: ['syscalls'],
  tables: [],
  outputs: [
    { topic: 'connections', partition: 'input' },
    { topic: 'names', partition: 'input' },
  ],
  state: stateFormat,
  create: () => new Classifier(),
}
