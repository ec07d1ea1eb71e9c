import assert from 'node:assert/strict';
import { migrateConfig } from '../../src/config/migrate.ts';
import { RENAMED_KEYS } from '../../src/config/renamed-keys.ts';
import { KEYS } from '../../src/config/sources.ts';
import { yamlSource } from '../../src/config/yaml-source.ts';

/** A file with one key of this path. */
const fileWith = (path: string): string =>
  path
    .split('.')
    .map((name, depth) => `${'  '.repeat(depth)}${name}:`)
    .join('\n')
    .concat(' 1\n');

describe('An older configuration', () => {
  for (const { old, now } of RENAMED_KEYS) {
    it(`has ${now} instead of ${old} once it is migrated`, () => {
      const before = fileWith(old);
      assert.equal(yamlSource(before, 'old.yaml').problems[0]?.renamedTo, now);
      const migrated = migrateConfig(before, 'old.yaml');
      assert.ok('text' in migrated);
      const { entries, problems } = yamlSource(migrated.text, 'new.yaml');
      if (KEYS.has(now)) assert.deepEqual([[...entries.keys()], problems], [[now], []]);
      assert.deepEqual(migrateConfig(migrated.text, 'new.yaml'), { text: migrated.text, changes: [] });
    });
  }

  it('gets the names of all rows, whichever sections they move to', () => {
    const table = [
      { old: 'issuer', now: 'issuers.default', since: '9.0.0' },
      { old: 'listen.tls.port', now: 'listen.port', since: '9.0.0' },
    ];
    const text = 'listen:\n  tls:\n    port: 1\nissuer:\n  # ours\n  name: high\n';
    const migrated = migrateConfig(text, 'old.yaml', table);
    assert.ok('text' in migrated);
    assert.equal(migrated.text, 'listen:\n  port: 1\nissuers:\n  default:\n    # ours\n    name: high\n');
    assert.deepEqual(
      migrated.changes.map(({ old, where }) => `${where} ${old}`),
      ['old.yaml:4:1 issuer', 'old.yaml:3:5 listen.tls.port'],
    );
  });

  it('is migrated although it has other problems, which are for the check of the result', () => {
    const migrated = migrateConfig('listen: { unprovenShare: 0_1, zzz: yes }\n', 'old.yaml');
    assert.deepEqual(migrated, {
      text: 'listen: { unauthenticatedShare: 0_1, zzz: yes }\n',
      changes: [{ ...RENAMED_KEYS[0], where: 'old.yaml:1:11' }],
    });
  });
});
