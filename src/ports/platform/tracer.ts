// Spans of the issuing path. Off unless an exporter is configured.

export interface Tracer {
  /** Runs `work` inside a span named `name`; a throw marks the span as failed and passes through. */
  span<T>(name: string, work: () => Promise<T>): Promise<T>;
}
