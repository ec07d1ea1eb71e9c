// What the commands read: a bundle, the signatures beside it, and keys. What is wrong with a text is reported in
// full, each problem with its place; the command then has nothing to go on with.
import { existsSync } from 'node:fs';
import { parsePolicyBundle, type PolicyBundleDocument } from '../../adapters/policy/source/policy-bundle-document.ts';
import { parseSignatureFile, type SignatureFile } from '../../adapters/policy/bundle/signature-file.ts';
import type { Problem } from '../../domain/text/position.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { readInput } from './files.ts';
import type { Invocation } from '../invocation.ts';
import { printProblems } from '../problems.ts';

/** Where the signatures of a bundle are unless somebody says otherwise. */
export function signaturePlace(bundle: string): string {
  return `${bundle}.sig`;
}

/** @returns nothing after printing what is wrong (65). @throws CommandError 66 when the file cannot be read. */
export async function readBundle(file: string, invocation: Invocation): Promise<PolicyBundleDocument | undefined> {
  const document = parsePolicyBundle(await readInput(file), file);
  if (!('problems' in document)) return document;
  endWithProblems(`${file} is no policy bundle`, document.problems, EXIT.data, invocation);
  return undefined;
}

/** @returns nothing after printing what is wrong (65). @throws CommandError 66 when the file is missing or cannot be read. */
export async function readSignatures(file: string, invocation: Invocation): Promise<SignatureFile | undefined> {
  const signatures = parseSignatureFile(await readInput(file, { hint: 'write it with `capstan bundle sign`' }), file);
  if (!('problems' in signatures)) return signatures;
  endWithProblems(`${file} is no signature file`, signatures.problems, EXIT.data, invocation);
  return undefined;
}

/** As `readSignatures`, but a bundle need not have been signed yet. */
export async function readSignaturesIfAny(
  file: string,
  invocation: Invocation,
): Promise<SignatureFile | 'none' | undefined> {
  return existsSync(file) ? readSignatures(file, invocation) : 'none';
}

/** Prints what is wrong, line by line, and says with which code the command ends. */
export function endWithProblems(
  what: string,
  problems: readonly Problem[],
  code: ExitCode,
  { terminal, endWith }: Pick<Invocation, 'terminal' | 'endWith'>,
): void {
  printProblems(what, problems, terminal);
  endWith(code);
}
