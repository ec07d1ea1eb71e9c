import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { openLog } from '../../../src/adapters/telemetry/logger.ts';
import { relayLines } from '../../../src/adapters/telemetry/log-relay.ts';

class Written {
  readonly lines: string[] = [];
  lost = 0;
  room: Promise<undefined> = Promise.resolve(undefined);

  write(line: string): void {
    this.lines.push(line);
  }

  async roomy(): Promise<void> {
    await this.room;
  }

  dropped(): void {
    this.lost += 1;
  }
}

describe('The log of a worker', () => {
  let pipe: PassThrough;
  let written: Written;
  beforeEach(() => {
    pipe = new PassThrough();
    written = new Written();
  });

  it('comes as whole lines, however the pipe cuts them', async () => {
    const over = relayLines(pipe, written);
    const [before, after] = ['{"a":"', 'ü"}\n{"b":1}\n{"c"'].map((text) => Buffer.from(text));
    const bytes = Buffer.concat([before!, after!]);
    for (const byte of bytes) pipe.write(Buffer.of(byte));
    pipe.end(':2}\n');
    await over;
    assert.deepEqual(written.lines, ['{"a":"ü"}\n', '{"b":1}\n', '{"c":2}\n']);
    assert.equal(written.lost, 0);
  });

  it('loses the line that its worker was killed in, and counts it', async () => {
    pipe.end('{"a":1}\n{"b":');
    await relayLines(pipe, written);
    assert.deepEqual(written.lines, ['{"a":1}\n']);
    assert.equal(written.lost, 1);
  });

  it('is not held up by a line without end', async () => {
    const over = relayLines(pipe, written);
    for (let part = 0; part < 5; part += 1) pipe.write('x'.repeat(512 * 1024));
    pipe.end('\n{"a":1}\n');
    await over;
    assert.deepEqual(written.lines, ['{"a":1}\n']);
    assert.ok(written.lost >= 1);
  });

  it('waits in the pipe while the reader of the log is slow, so that the worker drops by its own bounds', async () => {
    const room = Promise.withResolvers<undefined>();
    written.room = room.promise;
    const over = relayLines(pipe, written);
    pipe.write('{"a":1}\n');
    await new Promise(setImmediate);
    while (pipe.write('{"b":1}\n'));
    assert.deepEqual(written.lines, ['{"a":1}\n']);
    room.resolve(undefined);
    pipe.end();
    await over;
    assert.ok(written.lines.length > 2);
  });

  it('names the worker in each line, before what the line says', () => {
    const lines: string[] = [];
    const log = openLog(
      { level: 'info', worker: 2, destination: { write: (line) => lines.push(line) } },
      () => undefined,
    );
    log.logger.info({ event: 'reloaded' }, 'reloaded');
    log.noise.info({ event: 'streamOpened' }, 'SDS stream opened');
    const read = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      read.map(({ worker, event }) => [worker, event]),
      [
        [2, 'reloaded'],
        [2, 'streamOpened'],
      ],
    );
  });
});
