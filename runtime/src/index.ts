export { AppendFile } from './append-file.js'
export type { ReplayProgress } from './catch-up.js'
export { type Config, type ConfigKey, type ConfigSource, parseConfig } from './config.js'
export { ConfigError } from './config-error.js'
export { type SettingHelp, settingsHelp, settingsMarkdown } from './config-help.js'
export type { Setting } from './config-setting.js'
export { settings } from './config-table.js'
export { currentLog } from './current-log.js'
export { type DeriveOptions, type DeriveProgress, deriveAll } from './derive.js'
export { fieldReader } from './field-reader.js'
export { type FileProjection, fileProjection } from './file-projection.js'
export {
  Histogram,
  Metric,
  type MetricFamily,
  type MetricInfo,
  type MetricLabels,
  Metrics,
  type MetricValue,
  partMetrics,
} from './metrics.js'
export { metricsText, metricsTextType } from './metrics-text.js'
export type { PartStatus } from './part-status.js'
export {
  type AnyProcessor,
  type AnyProjectionTask,
  createPipeline,
  type Pipeline,
  type PipelineOptions,
  type ReplayRequest,
} from './pipeline.js'
export { prepareTopics } from './prepare-topics.js'
export type * from './processor.js'
export type * from './projection.js'
export { ProjectionError, type ProjectionErrorCode, targetUnwritable } from './projection-error.js'
export { type ProjectionTask, projectionGroup } from './projection-stage.js'
export { ReplacedFile } from './replaced-file.js'
export { type GenerationReplayOptions, replayGeneration } from './replay-generation.js'
export { type ReplayIntoOptions, replayInto } from './replay-into.js'
export { type ReplayIntoTopicOptions, replayIntoTopic, topicsInto } from './replay-into-topic.js'
export type { ReplayEnd, ReplayStart } from './replay-start.js'
export { type ProjectionReplayOptions, requestProjectionReplay } from './request-replay.js'
export { type LiveOptions, runLive } from './run-live.js'
export { type ProcessorRunOptions, runProcessor } from './run-processor.js'
export { type ProjectionRunOptions, runProjection } from './run-projection.js'
export type { Running, RunOptions } from './running.js'
export { RuntimeError, type RuntimeErrorCode } from './runtime-error.js'
export { type RunAndWait, SpareTime } from './spare-time.js'
export type { StagePolicy } from './stage.js'
export { stateTopicName } from './state-topic.js'
export { type TopicOptions, topicSettings } from './topic-settings.js'
