// Puts one pair after the other in force until it is killed.
import { folderAt } from './folder-at.ts';

const folder = folderAt(process.argv[2] ?? '');
const from = Number(process.argv[3]);
for (let number = from; ; number += 1) {
  const text = `generation ${number}`;
  if ((await folder.nextKey()) === undefined) await folder.keepNextKey(text);
  await folder.install({ chain: text, key: text, anchors: text }, async () => undefined);
  if (number === from) process.send?.('the first is in force');
}
