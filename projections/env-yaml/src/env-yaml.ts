import { AppendFile, type InputRecord, type Projection, type ProjectionInstance } from '@syscribe/runtime'
import type { TopicCodec } from '@syscribe/schemas'
import { yamlDocument } from './yaml-document.js'

/** Writes every environment as one document of a multi-document YAML file, in the order of the log. */
export const envYaml: Projection<null> = {
  name: 'env-yaml',
  topics: ['environments'],
  state: { version: 1, encode: () => new Uint8Array(0), decode: () => null },
  async open(target, metadata, settings) {
    return new EnvYaml(await AppendFile.open(target, metadata, settings.warn))
  },
}

class EnvYaml implements ProjectionInstance<null> {
  readonly begun: string
  readonly #file: AppendFile
  #documents: string[] = []

  constructor(file: AppendFile) {
    this.begun = file.mark
    this.#file = file
  }

  apply(input: InputRecord): void {
    const record = (input.codec as unknown as TopicCodec<'environments'>).decode(input.value)
    if (record.kind === 'Environment') this.#documents.push(yamlDocument(record.value))
  }

  async flush(): Promise<string> {
    // One write of whole documents: a reader of the file sees none by halves.
    await this.#file.append(Buffer.from(this.#documents.join('')))
    this.#documents = []
    await this.#file.sync()
    return this.#file.mark
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
