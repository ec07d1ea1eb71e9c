// A checkout of the repository of policies, as git-sync keeps it: a folder for each commit, and a link to the one that counts.
import { cpSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import type { ServerFiles } from '../../support/server-files.ts';

/** Checks out a commit that has the policies as the server's files have them now, or other texts. */
export function checkOut(files: ServerFiles, commit: string, texts?: Readonly<Record<string, string>>): void {
  const tree = `git/.worktrees/${commit}`;
  mkdirSync(files.path(tree), { recursive: true });
  if (texts === undefined) {
    cpSync(files.path('bundle.yaml'), files.path(`${tree}/bundle.yaml`));
    cpSync(files.path('policies'), files.path(`${tree}/policies`), { recursive: true });
  }
  for (const [name, text] of Object.entries(texts ?? {})) files.write(`${tree}/${name}`, text);
  symlinkSync(`.worktrees/${commit}`, files.path('git/next'));
  renameSync(files.path('git/next'), files.path('git/current'));
}

/** What a server is told that is to be held against it. */
export const checkedOut = (files: ServerFiles): Readonly<Record<string, string>> => ({
  'policy.expected.directory': files.path('git/current'),
});
