import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { OtlpTracer, untraced } from '../../../src/adapters/telemetry/traces.ts';
import { openTelemetry } from '../../../src/adapters/telemetry/telemetry.ts';

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status: { readonly code: number; readonly message?: string };
}
interface Export {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

/** A collector that keeps the spans it is sent. */
class FakeCollector implements AsyncDisposable {
  readonly spans: Span[] = [];
  readonly paths: (string | undefined)[] = [];
  readonly #server: Server;
  #status: number;

  constructor(status = 200) {
    this.#status = status;
    this.#server = createServer((request, response) => {
      void text(request).then((body) => {
        this.paths.push(request.url);
        const { resourceSpans } = JSON.parse(body) as Export;
        this.spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)));
        response.writeHead(this.#status, { 'content-type': 'application/json' }).end('{}');
      });
    });
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/traces`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const unexpectedFailure = (cause: unknown): never => {
  throw cause;
};

describe('Traces of the issuing path', () => {
  it('arrive at the collector as a tree, by the time the tracer is disposed', async () => {
    await using collector = new FakeCollector();
    const tracer = new OtlpTracer({ endpoint: await collector.start(), sampleRatio: 1 }, unexpectedFailure);
    const answer = await tracer.span('answer csr', async () => {
      await tracer.span('authenticate', async () => 'caller');
      return tracer.span('sign', async () => 'certificate');
    });
    await tracer[Symbol.asyncDispose]();

    assert.equal(answer, 'certificate');
    assert.deepEqual(new Set(collector.paths), new Set(['/v1/traces']));
    const [authenticate, sign, root] = collector.spans;
    assert.deepEqual([authenticate?.name, sign?.name, root?.name], ['authenticate', 'sign', 'answer csr']);
    assert.equal(authenticate?.parentSpanId, root?.spanId);
    assert.equal(sign?.parentSpanId, root?.spanId);
    assert.equal(new Set(collector.spans.map(({ traceId }) => traceId)).size, 1);
  });

  it('keep requests that run side by side apart', async () => {
    await using collector = new FakeCollector();
    const tracer = new OtlpTracer({ endpoint: await collector.start(), sampleRatio: 1 }, unexpectedFailure);
    const request = (name: string): Promise<void> =>
      tracer.span(name, async () => {
        await Promise.resolve();
        await tracer.span(`${name} inner`, async () => undefined);
      });
    await Promise.all([request('first'), request('second')]);
    await tracer[Symbol.asyncDispose]();
    const byName = new Map(collector.spans.map((span) => [span.name, span]));
    for (const name of ['first', 'second']) {
      assert.equal(byName.get(`${name} inner`)?.parentSpanId, byName.get(name)?.spanId);
    }
  });

  it('mark a refusal by its reason code, without the words of any error', async () => {
    await using collector = new FakeCollector();
    const tracer = new OtlpTracer({ endpoint: await collector.start(), sampleRatio: 1 }, unexpectedFailure);
    const refusal = new AuthorityError('CAP-P01', { detail: 'namespace "private"' });
    await assert.rejects(
      tracer.span('decide', async () => {
        throw refusal;
      }),
      refusal,
    );
    await assert.rejects(
      tracer.span('sign', async () => {
        throw new TypeError('private words');
      }),
    );
    await tracer[Symbol.asyncDispose]();
    assert.deepEqual(
      collector.spans.map(({ status }) => [status.code, status.message]),
      [
        [2, 'CAP-P01'],
        [2, 'TypeError'],
      ],
    );
    assert.doesNotMatch(JSON.stringify(collector.spans), /private/);
  });

  it('send nothing of what is not sampled', async () => {
    await using collector = new FakeCollector();
    const tracer = new OtlpTracer({ endpoint: await collector.start(), sampleRatio: 0 }, unexpectedFailure);
    assert.equal(await tracer.span('answer csr', async () => 1), 1);
    await tracer[Symbol.asyncDispose]();
    assert.deepEqual(collector.spans, []);
  });

  it('that the collector refuses are reported as an event, and shutting down still succeeds', async () => {
    await using collector = new FakeCollector(400);
    const lines: string[] = [];
    const telemetry = openTelemetry({
      log: { level: 'info', destination: { write: (line) => void lines.push(line) } },
      traces: { endpoint: await collector.start(), sampleRatio: 1 },
    });
    await telemetry.tracer.span('answer csr', async () => undefined);
    await telemetry[Symbol.asyncDispose]();
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /"where":"trace-export"/);
  });

  it('cost nothing when no endpoint is configured: the work runs as it is', async () => {
    const work = Promise.resolve('certificate');
    assert.equal(
      untraced.span('answer csr', () => work),
      work,
    );
    await using telemetry = openTelemetry({ log: { level: 'info', destination: { write: () => undefined } } });
    assert.equal(telemetry.tracer, untraced);
  });
});
