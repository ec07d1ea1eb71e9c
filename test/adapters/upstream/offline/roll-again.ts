// Prepares, activates and reverts one pair after the other until it is killed.
import { folderAt } from './folder-at.ts';

const folder = folderAt(process.argv[2] ?? '');
const from = Number(process.argv[3]);
const taken = async (): Promise<void> => undefined;
for (let number = from; ; number += 1) {
  const text = `generation ${number}`;
  if ((await folder.nextKey()) === undefined) await folder.keepNextKey(text);
  await folder.prepare({ chain: text, key: text, anchors: text }, taken);
  await folder.activate(taken);
  if (number % 3 === 0) await folder.revert(taken);
  if (number === from + 1) process.send?.('there was an exchange');
}
