// Spans of the issuing path, sent to an OTLP/HTTP collector in the background. Without an endpoint
// the tracer only runs the work. The current span travels in our own AsyncLocalStorage: nothing
// global is registered, so libraries that look for a global tracer find none.
import { AsyncLocalStorage } from 'node:async_hooks';
import { ROOT_CONTEXT, SpanStatusCode, trace, type Context } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import { AuthorityError } from '../../domain/errors.ts';
import type { Tracer } from '../../ports/platform/tracer.ts';
import { exportAgent } from './export-agent.ts';

export interface TraceSettings {
  /** Where spans are posted, such as `http://collector:4318/v1/traces`. */
  readonly endpoint: string;
  /** Share of requests that are traced, from 0 to 1. */
  readonly sampleRatio: number;
}

/** Most finished spans that wait for the collector; more are dropped. */
const MAX_WAITING_SPANS = 4096;
const MAX_BATCH_SPANS = 512;
const EXPORT_EVERY_MS = 1000;
/** Longest that one export, retries included, may take; it also bounds the last flush. */
const EXPORT_WITHIN_MS = 3000;

/** The tracer when no endpoint is configured. */
export const untraced: Tracer = { span: (_name, work) => work() };

export class OtlpTracer implements Tracer, AsyncDisposable {
  readonly #provider: TracerProvider;
  readonly #current = new AsyncLocalStorage<Context>();

  /** @param onFailure told of each batch that the collector did not take. */
  constructor(settings: TraceSettings, onFailure: (cause: unknown) => void) {
    const exporter = new OTLPTraceExporter({
      url: settings.endpoint,
      timeoutMillis: EXPORT_WITHIN_MS,
      httpAgentOptions: exportAgent(EXPORT_WITHIN_MS),
    });
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'capstan' }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(settings.sampleRatio) }),
      spanProcessors: [
        new BatchSpanProcessor({
          exporter: reportingFailures(exporter, onFailure),
          maxQueueSize: MAX_WAITING_SPANS,
          maxExportBatchSize: MAX_BATCH_SPANS,
          scheduledDelayMillis: EXPORT_EVERY_MS,
          exportTimeoutMillis: EXPORT_WITHIN_MS,
        }),
      ],
    });
  }

  async span<T>(name: string, work: () => Promise<T>): Promise<T> {
    const parent = this.#current.getStore() ?? ROOT_CONTEXT;
    const span = this.#provider.getTracer('capstan').startSpan(name, {}, parent);
    try {
      return await this.#current.run(trace.setSpan(parent, span), work);
    } catch (error) {
      // The reason code or the error's name; a message of unknown origin stays in the log.
      const message = error instanceof AuthorityError ? error.reason : error instanceof Error ? error.name : 'thrown';
      span.setStatus({ code: SpanStatusCode.ERROR, message });
      throw error;
    } finally {
      span.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A collector that does not answer was reported by `onFailure`; it must not fail a shutdown.
    await this.#provider.shutdown().catch(() => undefined);
  }
}

function reportingFailures(exporter: SpanExporter, onFailure: (cause: unknown) => void): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.error !== undefined) onFailure(result.error);
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}
