import assert from 'node:assert/strict';
import { truncateSync } from 'node:fs';
import type { Verdict } from '../../../../src/domain/audit/verdict.ts';
import { statementDigest } from '../../../../src/domain/audit/statement.ts';
import { readLine } from '../../../../src/domain/audit/export-line.ts';
import { MAX_LINE_BYTES } from '../../../../src/cli/inputs/journal/export-lines.ts';
import { largeExport } from '../../../domain/audit/support/large-export.ts';
import { headKey } from '../../../domain/audit/support/sample-export.ts';
import { written } from '../../../domain/audit/support/tamperings.ts';
import { PolicyFiles, type Run } from '../../support/policy-files.ts';

describe('capstan journal verify', () => {
  const key = headKey();
  const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

  async function verify(text: string, ...more: readonly string[]): Promise<Run> {
    await using files = await PolicyFiles.make({ 'journal.jsonl': text, 'heads.pem': key.publicPem }, []);
    const witness = written(key)
      .export()
      .filter((line) => line.startsWith('{"algorithm"') && line.includes('"head"'));
    await files.write('witness.jsonl', textOf(witness));
    return await files.run('journal', 'verify', '@journal.jsonl', ...more);
  }

  it('ends with 0 when all of it is proven, and says by whom', async () => {
    const { code, out } = await verify(textOf(written(key).export()), '--key', '@heads.pem');
    assert.equal(code, 0, out);
    assert.match(out, /^CHAIN +RECORDS OF +SERVER +AFTER +THROUGH +PROVEN THROUGH$/m);
    assert.match(out, /^decision-00000001 +decisions +capstan-0 +0 +6 +6$/m);
    assert.match(out, /^Proven: 9 records, none added, removed or changed/m);
  });

  it('ends with 1 when nothing proves the end', async () => {
    const { code, out } = await verify(textOf(written(key).export({ end: 'none' })), '--key', '@heads.pem');
    assert.equal(code, 1);
    assert.match(
      out,
      /^not proven: it has no end: complete up to decision 6 of decision-00000001, .*nothing proves the end \(no_end\)$/m,
    );
    assert.match(out, /^Nothing speaks against 9 records, but not all of it is proven\.$/m);
  });

  it('ends with 65 when a record was removed, and names file, line, chain and record', async () => {
    const { code, out } = await verify(textOf(written(key).export().toSpliced(7, 1)), '--key', '@heads.pem');
    assert.equal(code, 65);
    assert.match(
      out,
      /journal\.jsonl:8: in the chain decision-00000001 of decisions record 2 is not there \(missing\)$/m,
    );
  });

  it('finds what was cut off by the heads that a witness kept', async () => {
    const cut = written(key)
      .export({ end: 'none' })
      .filter((line) => !line.includes('"sequence":5') && !line.includes('"sequence":6'));
    const alone = await verify(textOf(cut.filter((line) => !line.startsWith('{"algorithm"'))));
    assert.equal(alone.code, 1);
    const { code, out } = await verify(textOf(cut), '--key', '@heads.pem', '--witness', '@witness.jsonl');
    assert.equal(code, 65);
    assert.match(out, /names record 5 of the chain decision-00000001, and it ends at record 4 \(truncated\)$/m);
  });

  it('proves by a noted digest of the end what no key was given for', async () => {
    const lines = written(key).export();
    const end = readLine(lines.at(-1)!);
    assert.ok(end?.kind === 'end');
    const { code } = await verify(textOf(lines), '--expect-head', statementDigest(end.statement));
    assert.equal(code, 0);
    assert.equal((await verify(textOf(lines), '--expect-head', 'ab'.repeat(32))).code, 65);
    const { code: usage, error } = await verify(textOf(lines), '--expect-head', 'ab');
    assert.equal(usage, 64);
    assert.match(error, /64 lower-case hex digits/);
  });

  it('writes what it found as JSON', async () => {
    const { out } = await verify(
      textOf(written(key).export().toSpliced(7, 1)),
      '--key',
      '@heads.pem',
      '--output',
      'json',
    );
    const { result, tamperings } = JSON.parse(out) as Verdict;
    assert.equal(result, 'tampered');
    assert.deepEqual(tamperings[0], {
      code: 'missing',
      file: 'export',
      line: 8,
      chain: 'decision-00000001',
      sequence: 2,
      text: 'in the chain decision-00000001 of decisions record 2 is not there',
    });
  });

  it('reads lines across the pieces in which a file is read, and shows how far it is', async () => {
    const { code, out, error } = await verify(
      [...largeExport(3_000, key)].join(''),
      '--key',
      '@heads.pem',
      '--progress',
    );
    assert.equal(code, 0, out);
    assert.match(error, /^100% {2}[\d,]+ of [\d,]+ bytes$/m);
  });

  it('takes a line that is too long, or no UTF-8, or cut, for none of an export', async () => {
    const good = textOf(written(key).export());
    for (const text of [
      `${'x'.repeat(MAX_LINE_BYTES + 1)}\n${good}`,
      good.replace('shop', 'sh\uD800p'),
      good.slice(0, -20),
    ]) {
      const { code, out } = await verify(text, '--key', '@heads.pem');
      assert.equal(code, 65);
      assert.match(out, /\((malformed|changed)\)$/m);
    }
  });

  it('complains of an export and of a key that it cannot read', async () => {
    const { code, error } = await verify('', '--key', '@journal.jsonl');
    assert.equal(code, 65);
    assert.match(error, /journal\.jsonl: /);
    await using files = await PolicyFiles.make({}, []);
    const missing = await files.run('journal', 'verify', '@nothing.jsonl');
    assert.equal(missing.code, 66);
    assert.match(missing.error, /cannot read .*nothing\.jsonl: it does not exist/);
  });

  it('says of a witness with more heads than it reads that the newest are enough, and proves by those', async () => {
    const lines = written(key).export();
    const heads = lines.filter((line) => line.startsWith('{"algorithm"') && line.includes('"head"'));
    await using files = await PolicyFiles.make({ 'journal.jsonl': textOf(lines), 'heads.pem': key.publicPem }, []);
    await files.write('witness.jsonl', textOf(heads));
    const argv = ['journal', 'verify', '@journal.jsonl', '--key', '@heads.pem', '--witness'];
    // The first size that no string of V8 can have.
    for (const bytes of [0x1fffffe9, 600 * 1024 * 1024]) {
      truncateSync(files.path('witness.jsonl'), bytes);
      const { code, error } = await files.run(...argv, '@witness.jsonl');
      assert.equal(code, 66);
      assert.match(error, /witness\.jsonl: it is larger than 524288000 bytes; its newest lines are enough/);
    }
    await files.write('newest.jsonl', textOf(heads.slice(-1)));
    assert.equal((await files.run(...argv, '@newest.jsonl')).code, 0);
  });
});
