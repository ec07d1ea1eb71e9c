// What a server makes of a journal that somebody copied back from an old copy, heads and all, while none ran: the witness knows.
import assert from 'node:assert/strict';
import { eventually } from '../../../../support/eventually.ts';
import type { DaysOfJournal } from './days-of-journal.ts';

const SOON = { withinMs: 30_000 };
const DIFFERS =
  /the witness \S+ has a head of \S+ \S+ UTC, and (record \d+ in the chain \S+ of decisions is not the one that was signed|the chain \S+ of \S+ is gone)/;

/** @param copyBack to the journal as it was at a moment, given in ms since the epoch. */
export async function assertFound(
  journal: DaysOfJournal,
  copyBack: (momentMs: number) => Promise<void>,
  keepCopy: () => Promise<void> = async () => undefined,
): Promise<void> {
  await journal.day(5);
  await keepCopy();
  const momentMs = await journal.day(3);
  await copyBack(momentMs);
  const config = ['--config', journal.files.path('capstan.json')];
  {
    await using server = await journal.begin();
    const readiness = async (): Promise<string> => (await server.get('/readyz')).text();
    await eventually('it says so', async () => DIFFERS.test(await readiness()), SOON);
    assert.match(await (await server.get('/metrics')).text(), /^capstan_audit_warnings_total [1-9]/m);
    const exported = await journal.run('export', '--sign', '--to', journal.files.path('none.jsonl'), ...config);
    assert.equal(exported.code, 65, exported.error);
    assert.match(exported.error, DIFFERS);
    assert.equal((await server.ask('default', 'demo')).details, '', 'and it issues all the same');
    const accepted = await journal.run('head', '--accept', '--reason', 'an old copy', ...config);
    assert.equal(accepted.code, 0, accepted.error);
    assert.match(accepted.out, DIFFERS);
    await eventually('heads go on', async () => !DIFFERS.test(await readiness()), SOON);
    await server.stop();
  }
  await using next = await journal.start();
  assert.doesNotMatch(await (await next.get('/readyz')).text(), DIFFERS, 'it was accepted');
  assert.equal((await journal.exportAndVerify()).code, 0);
  const { code } = await journal.exportAndVerify('--witness', journal.files.path('witness.jsonl'));
  assert.equal(code, 65, 'what the witness has stays in contradiction to it');
  await next.stop();
}
