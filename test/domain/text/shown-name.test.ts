// Names of somebody else's choice, as a person is shown them.
import assert from 'node:assert/strict';
import { shownName } from '../../../src/domain/text/shown-name.ts';

describe('A name that somebody else chose', () => {
  for (const [title, name, shown] of [
    ['is shown as it is', 'CN=Größe 日本', 'CN=Größe 日本'],
    ['cannot write to a terminal', 'CN=\u001b[2Jgone\r\n', 'CN=\\u{1b}[2Jgone\\u{d}\\u{a}'],
    ['cannot turn what stands beside it around', 'CN=\u202eelgooG', 'CN=\\u{202e}elgooG'],
    ['cannot be told apart by what nobody sees', 'CN=a\u200bb\u{e0041}', 'CN=a\\u{200b}b\\u{e0041}'],
    ['is cut when it is long, and says so', 'x'.repeat(2_000), `${'x'.repeat(160)}… (2000 characters)`],
    [
      'says of one that was cut before that it was longer',
      `${'x'.repeat(500)}…`,
      `${'x'.repeat(160)}… (more than 500 characters)`,
    ],
  ] as const) {
    it(title, () => assert.equal(shownName(name), shown));
  }
});
