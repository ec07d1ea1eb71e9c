import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { readLine, writeLine } from '../../../src/domain/audit/export-line.ts';
import { statementDigest } from '../../../src/domain/audit/statement.ts';
import { ExportVerifier, MAX_TAMPERINGS } from '../../../src/domain/audit/verifier.ts';
import { headKey } from './support/sample-export.ts';
import { TAMPERING_ROWS, verified, written } from './support/tamperings.ts';

describe('The verifier of an exported journal', () => {
  const key = headKey();

  for (const { done, hand, result, says } of TAMPERING_ROWS) {
    it(`says ${says === '-' ? 'that it is proven' : says} of: ${done}`, () => {
      const verdict = verified(hand(key), key);
      const [first] = [...verdict.tamperings, ...verdict.gaps];
      assert.deepEqual([verdict.result, first?.code ?? '-'], [result, says], String(first?.text));
    });
  }

  it('catches one changed bit, wherever in the file it is', () => {
    const good = Buffer.from(`${written(key).export().join('\n')}\n`);
    fc.assert(
      fc.property(fc.nat({ max: good.length * 8 - 1 }), (bit) => {
        const file = Buffer.from(good);
        file.writeUInt8(file.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        const lines = isUtf8(file) ? file.toString().replace(/\n$/, '').split('\n') : ['not UTF-8'];
        assert.equal(verified({ lines }, key).result, 'tampered');
      }),
      { numRuns: 2_000 },
    );
  });

  it('catches a change of any field of any record without the end and its signature, by the links alone', () => {
    const lines = written(key).export({ end: 'none' });
    const fields = lines.flatMap((line, at) => {
      const read = readLine(line);
      if (read === undefined || !('record' in read)) return [];
      return Object.keys(read.record).map((field) => ({ at, field, read }));
    });
    assert.ok(fields.length > 100);
    for (const { at, field, read } of fields) {
      const line = writeLine({ ...read, record: { ...read.record, [field]: 'another' } });
      const { tamperings } = verified({ lines: lines.with(at, line) }, key);
      assert.equal(tamperings[0]?.code, 'changed', `${field} of line ${at + 1}`);
    }
  });

  it('names the file, the line, the chain and the record', () => {
    const lines = written(key).export();
    const cut = lines.toSpliced(7, 1);
    const { tamperings } = verified({ lines: cut }, key);
    assert.deepEqual(tamperings[0], {
      code: 'missing',
      file: 'export',
      line: 8,
      chain: 'decision-00000001',
      sequence: 2,
      text: 'in the chain decision-00000001 of decisions record 2 is not there',
    });
  });

  it('passes over what only a later version states in a head or an end, which nobody but a key of heads can have said', () => {
    const lines = written(key, { announced: 'by a later version' }).export();
    assert.equal(verified({ lines }, key).tamperings.length, 0);
    const stating = [...lines.entries()].filter(([, line]) => line.includes('announced'));
    assert.equal(stating.length, 3);
    for (const [at, line] of stating) {
      const others = lines.with(at, line.replace('announced', 'announcer'));
      assert.equal(verified({ lines: others }, key).result, 'tampered', `line ${at + 1}`);
    }
  });

  it('takes a noted digest of the end for the word of a server whose key nobody gave', () => {
    const lines = written(key).export();
    const end = readLine(lines.at(-1)!);
    assert.ok(end?.kind === 'end');
    const verdict = verified({ lines, withoutKey: true, expected: [statementDigest(end.statement)] }, key);
    assert.equal(verdict.result, 'proven');
  });

  it('says how far a chain is proven by a head that was noted, and by the heads before it, which it names', () => {
    const journal = written(key);
    const { statement } = journal.makeHead();
    journal.append('decision');
    assert.deepEqual(
      statement.chains.map(({ kind }) => kind),
      ['decision'],
    );
    const lines = journal.export({ end: 'none' });
    const { result, gaps, chains } = verified({ lines, withoutKey: true, expected: [statementDigest(statement)] }, key);
    assert.equal(result, 'not_proven');
    assert.deepEqual(gaps, [
      {
        code: 'unproven_records',
        chain: 'decision-00000001',
        text: 'in the chain decision-00000001 of decisions nothing proves record 7, behind the last head that is known from elsewhere',
      },
    ]);
    assert.deepEqual(
      chains.map(({ provenThrough, through }) => [provenThrough, through.sequence]),
      [
        [6, 7],
        [2, 2],
        [1, 1],
      ],
    );
  });

  it('keeps the first findings and counts the others', () => {
    const lines = written(key).export();
    const noise = Array.from({ length: MAX_TAMPERINGS + 5 }, () => 'noise');
    const verdict = verified({ lines: lines.toSpliced(5, 0, ...noise) }, key);
    assert.equal(verdict.tamperings.length, MAX_TAMPERINGS);
    assert.equal(verdict.furtherTamperings, 6);
  });

  it('passes over the beginning of a head in the file of a witness, whatever follows it, and over nothing else', () => {
    const lines = written(key).export();
    const [first = '', second = ''] = lines.filter((line) => readLine(line)?.kind === 'head');
    const resultWith = (...witness: readonly string[]) =>
      verified({ lines, witness: witness.map((line) => `${line}\n`).join('') }, key).result;
    const half = second.slice(0, 100);
    assert.equal(resultWith(first, half, half.slice(0, 50), second), 'proven');
    assert.equal(resultWith(half, first, second), 'proven', 'one that waited, and another came first');
    assert.equal(resultWith(first, half), 'proven');
    assert.equal(resultWith(first, second.replace('"kind"', '"kind')), 'tampered');
    assert.equal(resultWith(half.replace('a', 'b'), second), 'tampered');
    assert.equal(resultWith('', first), 'tampered');
    assert.equal(resultWith(`${half}${second}`), 'tampered');
  });

  it('takes no empty file for a journal', () => {
    const { result, tamperings } = new ExportVerifier({ keys: [], expected: [] }).verdict();
    assert.equal(result, 'tampered');
    assert.equal(tamperings[0]?.text, 'there is no line');
  });
});
