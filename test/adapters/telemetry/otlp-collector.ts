// A collector of OpenTelemetry logs on loopback that keeps what it is sent (OTLP/HTTP with JSON).
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

interface AnyValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values: readonly AnyValue[] };
  readonly kvlistValue?: { readonly values: readonly KeyValue[] };
}
interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}
interface LogRecord {
  readonly timeUnixNano: string;
  readonly severityNumber: number;
  readonly eventName: string;
  readonly attributes: readonly KeyValue[];
}
interface Export {
  readonly resourceLogs: readonly { readonly scopeLogs: readonly { readonly logRecords: readonly LogRecord[] }[] }[];
}

export interface ToldRecord {
  readonly event: string;
  readonly severity: number;
  readonly timeMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export class OtlpCollector implements AsyncDisposable {
  readonly told: ToldRecord[] = [];
  /** Everything that came, as it came. */
  readonly bodies: string[] = [];
  readonly #server: Server;

  private constructor(status: number, answer: string) {
    this.#server = createServer((request, response) => {
      void text(request).then((body) => {
        this.bodies.push(body);
        const { resourceLogs } = JSON.parse(body) as Export;
        this.told.push(
          ...resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap((one) => one.logRecords.map(toldBy))),
        );
        response.writeHead(status, { 'content-type': 'application/json' }).end(answer);
      });
    });
  }

  /** @param status of each answer. @param answer its body. */
  static async start(status = 200, answer = '{}'): Promise<OtlpCollector> {
    const collector = new OtlpCollector(status, answer);
    collector.#server.listen(0, '127.0.0.1');
    await once(collector.#server, 'listening');
    return collector;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/logs`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function toldBy({ timeUnixNano, severityNumber, eventName, attributes }: LogRecord): ToldRecord {
  const timeMs = Number(BigInt(timeUnixNano) / 1_000_000n);
  return { event: eventName, severity: severityNumber, timeMs, attributes: objectOf(attributes) };
}

function objectOf(values: readonly KeyValue[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(values.map(({ key, value }) => [key, valueOf(value)]));
}

function valueOf({ stringValue, intValue, doubleValue, boolValue, arrayValue, kvlistValue }: AnyValue): unknown {
  if (arrayValue !== undefined) return arrayValue.values.map(valueOf);
  if (kvlistValue !== undefined) return objectOf(kvlistValue.values);
  return stringValue ?? (intValue === undefined ? (doubleValue ?? boolValue) : Number(intValue));
}
