import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openLog } from '../../../src/adapters/telemetry/logger.ts';
import { scrubSecrets } from '../../../src/adapters/telemetry/scrub.ts';
import { openTelemetry } from '../../../src/adapters/telemetry/telemetry.ts';
import { ISSUED } from './records.ts';

const PRIVATE_KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
});
const TOKEN = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg';

describe('The log', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'capstan-log-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const read = (file: string): Record<string, unknown>[] => {
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  };

  it('has every line on the disk once it is disposed', async () => {
    const file = path.join(directory, 'log');
    const telemetry = openTelemetry({ log: { level: 'info', destination: file } });
    for (let index = 0; index < 1000; index += 1) {
      telemetry.events.decided({ ...ISSUED, decisionId: `d-${index}` }, { durationMs: 1 });
    }
    await telemetry[Symbol.asyncDispose]();
    const ids = read(file).map(({ decisionId }) => decisionId);
    assert.deepEqual(
      ids,
      Array.from({ length: 1000 }, (_, index) => `d-${index}`),
    );
  });

  it('keeps quiet below its level', async () => {
    const lines: string[] = [];
    await using log = openLog({ level: 'warn', destination: { write: (line) => void lines.push(line) } }, () => {});
    log.logger.info('certificate issued');
    log.logger.warn('request refused');
    assert.equal(lines.length, 1);
  });

  it('cuts out what looks like a secret and stays JSON', async () => {
    const lines: string[] = [];
    await using log = openLog({ level: 'info', destination: { write: (line) => void lines.push(line) } }, () => {});
    const body = PRIVATE_KEY.split('\n')[1]!;
    for (const secret of [PRIVATE_KEY, body, TOKEN, `Bearer ${TOKEN}`, `{"authorization":"Bearer opaque-token"}`]) {
      log.logger.info({ problem: `before ${secret} after` }, 'a mistake');
    }
    for (const line of lines) {
      const { problem } = JSON.parse(line) as { problem: string };
      assert.match(problem, /^before .*\[redacted\].* after$/s);
      assert.doesNotMatch(line, /opaque-token|eyJ|PRIVATE/);
      assert.ok(!line.includes(body.slice(0, 40)));
    }
  });

  it('leaves identities, serial numbers and digests alone', () => {
    const line = JSON.stringify({ ...ISSUED, serial: 'ab'.repeat(20), digest: '0'.repeat(64) });
    assert.equal(scrubSecrets(line), line);
  });

  it('scrubs hostile text in linear time', () => {
    const hostile = ['-eyJ', '-eyJa.', 'Bearer ', '-----BEGIN A-----', 'MI/'].map((piece) => piece.repeat(50_000));
    const started = performance.now();
    for (const text of hostile) scrubSecrets(text);
    assert.ok(performance.now() - started < 10_000);
  });

  it('counts what is lost when the disk is full, and the server goes on', async () => {
    let dropped = 0;
    const log = openLog({ level: 'info', destination: '/dev/full' }, () => (dropped += 1));
    const mebibyte = 'x'.repeat(1024 * 1024);
    for (let index = 0; index < 20; index += 1) log.logger.info(mebibyte);
    await log[Symbol.asyncDispose]();
    assert.ok(dropped > 0);
  });

  it('drops noise first: the other half of what may wait is left to what the CA has to tell', async () => {
    let dropped = 0;
    await using log = openLog({ level: 'info', destination: '/dev/full' }, () => (dropped += 1));
    const mebibyte = 'x'.repeat(1024 * 1024);
    for (let index = 0; index < 30; index += 1) log.noise.info(mebibyte);
    assert.ok(dropped > 20, String(dropped));
    const lost = dropped;
    for (let index = 0; index < 6; index += 1) log.logger.info(mebibyte);
    assert.equal(dropped, lost);
    log.noise.info(mebibyte);
    assert.equal(dropped, lost + 1);
  });

  it('on a full disk holds up neither an orderly end nor a crash of the process', () => {
    for (const ending of ['await log[Symbol.asyncDispose]();', 'throw new Error("crash");']) {
      const program = `
        const { openLog } = await import(${JSON.stringify(import.meta.resolve('../../../src/adapters/telemetry/logger.ts'))});
        let dropped = 0;
        const log = openLog({ level: 'info', destination: '/dev/full' }, () => (dropped += 1));
        while (dropped === 0) {
          log.logger.info('x'.repeat(1024 * 1024));
          await new Promise((resolve) => setImmediate(resolve));
        }
        ${ending}`;
      const args = ['--input-type=module', '--eval', program];
      const ended = spawnSync(process.execPath, args, { timeout: 8000, encoding: 'utf8' });
      assert.equal(ended.signal, null, `still runs after ${ending}`);
      assert.equal(ended.status, ending.startsWith('throw') ? 1 : 0, ended.stderr);
    }
  });

  it('ignores a line that comes after it was closed', async () => {
    const file = path.join(directory, 'log');
    let dropped = 0;
    const log = openLog({ level: 'info', destination: file }, () => (dropped += 1));
    log.logger.info('ready');
    await log[Symbol.asyncDispose]();
    await log[Symbol.asyncDispose]();
    log.logger.info('too late');
    assert.equal(dropped, 1);
    assert.deepEqual(
      read(file).map(({ msg }) => msg),
      ['ready'],
    );
  });
});
