// Decisions and acts of operators as OpenTelemetry log records, sent to an OTLP/HTTP collector in the background. Their attributes have
// the names of an export of the journal (docs/audit.md). The journal has them before they are told here: what a collector
// misses is not lost.
import { SeverityNumber, type Logger } from '@opentelemetry/api';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { OTLPExporterBase } from '@opentelemetry/otlp-exporter-base';
import { createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http';
import { JsonLogsSerializer, LogsExporterMetricsHelper } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider, type ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { RecordLog } from '../../ports/platform/record-log.ts';
import type { DecisionRecord } from '../../ports/storage/issuance-journal.ts';
import type { OperationRecord } from '../../ports/storage/operation-journal.ts';
import { exportAgent } from './export-agent.ts';

export interface RecordLogSettings {
  /** Where records are posted, such as `http://collector:4318/v1/logs`. */
  readonly endpoint: string;
}

export interface RecordLogEvents {
  /** Hears of each batch that the collector did not take. */
  readonly onFailure: (cause: unknown) => void;
  /** Hears how many records were not sent. */
  readonly onDropped: (count: number) => void;
}

/** Most records that wait for the collector; more are dropped. A record has a few kilobytes. */
export const MAX_WAITING_RECORDS = 4096;
const MAX_BATCH_RECORDS = 512;
const EXPORT_EVERY_MS = 1000;
/** Longest that one export, retries included, may take; the last flush begins none after as long. */
const EXPORT_WITHIN_MS = 3000;

/** Where no endpoint is configured. */
export const untold: RecordLog = { decision: () => undefined, operation: () => undefined };

export class OtlpRecordLog implements RecordLog, AsyncDisposable {
  readonly #provider: LoggerProvider;
  readonly #logger: Logger;
  readonly #events: RecordLogEvents;
  /** Given to the provider and not yet answered for by the collector. */
  #waiting = 0;
  /** The end has taken long enough: what is left is dropped. */
  #isLate = false;

  constructor({ endpoint }: RecordLogSettings, events: RecordLogEvents) {
    this.#events = events;
    const processor = new BatchLogRecordProcessor({
      exporter: this.#exporterTo(endpoint),
      maxQueueSize: MAX_WAITING_RECORDS,
      maxExportBatchSize: MAX_BATCH_RECORDS,
      scheduledDelayMillis: EXPORT_EVERY_MS,
      exportTimeoutMillis: EXPORT_WITHIN_MS,
    });
    const resource = resourceFromAttributes({ 'service.name': 'capstan' });
    this.#provider = new LoggerProvider({ resource, processors: [processor] });
    this.#logger = this.#provider.getLogger('capstan.journal');
  }

  decision(record: DecisionRecord): void {
    this.#tell('capstan.decision', record, record.outcome === 'issued' ? SeverityNumber.INFO : SeverityNumber.WARN);
  }

  operation(record: OperationRecord): void {
    this.#tell('capstan.operation', record, SeverityNumber.INFO);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const late = setTimeout(() => (this.#isLate = true), EXPORT_WITHIN_MS);
    // A collector that does not answer was reported by `onFailure`; it must not fail a shutdown.
    await this.#provider.shutdown().catch(() => undefined);
    clearTimeout(late);
  }

  #tell(eventName: string, record: DecisionRecord | OperationRecord, severityNumber: SeverityNumber): void {
    if (this.#waiting >= MAX_WAITING_RECORDS) {
      this.#events.onDropped(1);
      return;
    }
    this.#waiting += 1;
    this.#logger.emit({ eventName, severityNumber, timestamp: record.timeMs, attributes: { ...record } });
  }

  #exporterTo(url: string) {
    const options = {
      url,
      headers: async () => ({ 'Content-Type': 'application/json' }),
      timeoutMillis: EXPORT_WITHIN_MS,
      concurrencyLimit: 4,
      compression: 'none' as const,
      agentFactory: exportAgent(EXPORT_WITHIN_MS),
    };
    const delegate = createOtlpHttpExportDelegate(
      options,
      this.#countingRejected(),
      'otlp_http_log_exporter',
      LogsExporterMetricsHelper,
      undefined,
    );
    const exporter = new OTLPExporterBase<ReadableLogRecord[]>(delegate);
    const answered = (count: number, cause: unknown): void => {
      this.#waiting -= count;
      if (cause === undefined) return;
      this.#events.onDropped(count);
      this.#events.onFailure(cause);
    };
    return {
      export: (records: ReadableLogRecord[], done: Parameters<typeof exporter.export>[1]) => {
        const answer = (result: ExportResult): void => {
          answered(records.length, result.error);
          done(result);
        };
        if (this.#isLate) answer({ code: ExportResultCode.FAILED, error: new Error('the server ends') });
        else exporter.export(records, answer);
      },
      shutdown: async () => exporter.shutdown(),
      forceFlush: async () => exporter.forceFlush(),
    };
  }

  /** A collector that takes a batch may yet say of how many records it does not (OTLP, section Partial Success). */
  #countingRejected(): typeof JsonLogsSerializer {
    return {
      serializeRequest: (records) => JsonLogsSerializer.serializeRequest(records),
      deserializeResponse: (bytes) => {
        const answer = JsonLogsSerializer.deserializeResponse(bytes);
        // JSON may have it as a text (ProtoJSON of int64).
        const said: unknown = answer.partialSuccess?.rejectedLogRecords;
        const rejected = Math.min(Number(said ?? 0), MAX_BATCH_RECORDS);
        if (rejected > 0) {
          this.#events.onDropped(rejected);
          this.#events.onFailure(new Error('the collector rejected records of a batch that it took'));
        }
        return answer;
      },
    };
  }
}
