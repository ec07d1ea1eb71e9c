// The picture of the board in docs/trust.md is that of the text beside it, which a rotation between real proxies has to have
// (test/peers/envoy/rotations). To make it anew: UPDATE_DOCS=1 npx mocha test/project/docs-board.test.ts
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { pictureOf } from '../cli/support/terminal-picture.ts';

const PICTURE = 'docs/anchor-board.svg';
const WIDEST = 120;

describe('The picture of the board of a rotation', () => {
  it('has the text of docs/trust.md, which fits into a terminal', () => {
    const [, board = ''] = /<!-- board -->\n\n```\n(.*?)```/s.exec(readFileSync('docs/trust.md', 'utf8')) ?? [];
    for (const line of board.split('\n')) assert.ok(line.length <= WIDEST, line);
    const picture = pictureOf(board, 'capstan anchor status --watch');
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PICTURE, picture);
    assert.equal(readFileSync(PICTURE, 'utf8'), picture, 'run this test with UPDATE_DOCS=1');
  });
});
