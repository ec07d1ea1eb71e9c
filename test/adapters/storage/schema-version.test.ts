import assert from 'node:assert/strict';
import { unusable } from '../../../src/adapters/storage/schema-version.ts';

describe('A store whose schema has a version', () => {
  it('is for the servers of its version and later, and for those before that it names', () => {
    const rows = [
      { version: 0, usableFrom: 0, known: 8, usable: true },
      { version: 8, usableFrom: 8, known: 8, usable: true },
      { version: 7, usableFrom: 7, known: 8, usable: true },
      { version: 9, usableFrom: 8, known: 8, usable: true },
      { version: 9, usableFrom: 9, known: 8, usable: false },
      { version: 10, usableFrom: 9, known: 8, usable: false },
      // Nobody wrote this; the version it knows is one that a server can always use.
      { version: 8, usableFrom: 9, known: 8, usable: true },
    ];
    for (const { known, usable, ...schema } of rows) {
      assert.equal(unusable(schema, known) === undefined, usable, JSON.stringify({ ...schema, known }));
    }
  });

  it('says who may use it to a server that may not', () => {
    assert.equal(
      unusable({ version: 10, usableFrom: 9 }, 8),
      'has schema version 10, for Capstans that know 9 or later, and this Capstan knows 8; run the newer Capstan that wrote it',
    );
    assert.equal(
      unusable({ version: 9, usableFrom: 9 }, 8),
      'has schema version 9, and this Capstan knows 8; run the newer Capstan that wrote it',
    );
  });
});
