// What the port of revocation lists promises, of each implementation.
import assert from 'node:assert/strict';
import { KEEP_LAPSED_MS, type Crls, type KeptCrl } from '../../../src/ports/revocation/crls.ts';

const NOW_MS = 1_800_000_000_000;
const OPTIONS = { nowMs: NOW_MS, signal: new AbortController().signal };

export function keptCrl(number: number, issuer = 'a'.repeat(16), nextUpdateMs = NOW_MS + 1): KeptCrl {
  return {
    issuer,
    number,
    nextUpdateMs,
    certificateDer: Buffer.from(`certificate ${issuer}`),
    der: Buffer.from(`${issuer} ${number}`),
  };
}

/** All of a list, whoever made its buffers. */
const textOf = ({ certificateDer, der, number, nextUpdateMs }: KeptCrl): string =>
  [certificateDer, der].map((bytes) => Buffer.from(bytes).toString()).join() + ` ${number} ${nextUpdateMs}`;

async function textsOf(crls: Crls): Promise<readonly string[]> {
  const all = await crls.all(OPTIONS);
  return all.map(textOf).sort();
}
/** @param make gives two views of one empty store, as two processes have them. */
export function describeCrls(what: string, make: () => readonly [Crls, Crls] | Promise<readonly [Crls, Crls]>): void {
  describe(`Revocation lists ${what}`, () => {
    let one: Crls;
    let other: Crls;
    beforeEach(async () => ([one, other] = await make()));

    it('are none at first, then the last of each issuer, for everybody', async () => {
      assert.deepEqual(await textsOf(one), []);
      assert.deepEqual(await textsOf(other), []);
      const lists = [keptCrl(5), keptCrl(7, 'b'.repeat(16))];
      for (const list of lists) assert.equal(await one.keep(list, OPTIONS), true);
      assert.deepEqual(await textsOf(other), lists.map(textOf));
      assert.equal(await other.keep(keptCrl(6), OPTIONS), true);
      assert.deepEqual(await textsOf(one), [keptCrl(6), lists[1]!].map(textOf));
    });

    it('are replaced by higher numbers alone', async () => {
      await one.keep(keptCrl(5), OPTIONS);
      for (const number of [5, 4])
        assert.equal(await other.keep({ ...keptCrl(number), der: Buffer.of(1) }, OPTIONS), false);
      assert.deepEqual(await textsOf(one), [textOf(keptCrl(5))]);
    });

    it('are the same array while nothing changes', async () => {
      await one.keep(keptCrl(5), OPTIONS);
      const all = await other.all(OPTIONS);
      assert.equal(await other.all(OPTIONS), all);
    });

    it('are forgotten a week after they ended', async () => {
      await one.keep(keptCrl(1, 'b'.repeat(16), NOW_MS - KEEP_LAPSED_MS), OPTIONS);
      await one.keep(keptCrl(1, 'c'.repeat(16), NOW_MS - KEEP_LAPSED_MS + 1), OPTIONS);
      await one.keep(keptCrl(1), OPTIONS);
      assert.deepEqual((await one.all(OPTIONS)).map(({ issuer }) => issuer[0]).sort(), ['a', 'c']);
    });

    it('are not changed by a call that was given up before', async () => {
      const reason = new Error('the server stops');
      await assert.rejects(one.keep(keptCrl(5), { ...OPTIONS, signal: AbortSignal.abort(reason) }), reason);
      assert.deepEqual(await textsOf(other), []);
    });
  });
}
