// What each finding means and what to do about it: the help that code scanning shows beside it.
import { REASONS, type Reason } from '../../../domain/reasons.ts';

export interface RuleHelp {
  readonly title: string;
  readonly help: string;
}

const row = (title: string, help: string): RuleHelp => ({ title, help });

/** By the id of a finding. Reason codes of the server come from the server's own table. */
const RULES: Readonly<Record<string, RuleHelp>> = {
  'policy/schema': row(
    'A policy document does not have the shape of its kind',
    'The server would refuse the file and keep the last good revision. `capstan policy schema` prints the JSON Schema, with which editors complete and check policies.',
  ),
  'policy/exceeds': row(
    'A local policy asks for more than the bundle gives',
    'It has no effect: what is in force is what bundle and local policy both allow. Narrow the field to what the bundle allows, or ask the owner of the bundle.',
  ),
  'policy/impossible': row(
    'Policies leave nothing that anybody could be issued',
    'The fields that are named have nothing in common, so that every request is refused. Let them overlap, or match different workloads.',
  ),
  'policy/unreachable': row(
    'A rule or policy never applies to anybody',
    'No workload can be matched. Correct the names or classes, or remove it.',
  ),
  'policy/escapable': row(
    'A rule that only takes away goes by labels of pods',
    'Whoever makes a pod writes its labels. Match namespaces and service accounts, or have admission demand the label.',
  ),
  'policy/reserved': row(
    'A class is reserved for certificates that Capstan issues to itself',
    'Workloads are never of the classes `self` and `intermediate`; the entry has no effect on them.',
  ),
  'policy/contact': row(
    'A refusal would not say whom to ask',
    'Add a `contact`: it is printed in the refused workload’s own log.',
  ),
  'policy/unjudged': row(
    'An object names a service account and was not judged',
    'What runs as it, and where, cannot be told from the object. Check the workload that it makes.',
  ),
  'policy/namespace': row(
    'A workload names no namespace',
    'It was judged in the namespace that `--namespace` says, or in `default`.',
  ),
  'policy/off': row('Something is switched off', 'Mode `off` is as if it were absent. Remove it, or switch it on.'),
  'policy/ambiguous': row(
    'Several bundles were found',
    'Local policies are held against one bundle: name it with `--bundle`.',
  ),
  'policy/validity': row(
    'The bundle is not valid now',
    'Past its soft expiry the server warns; past its hard expiry nobody new gets an identity. Sign a bundle with a later end and a higher sequence.',
  ),
  'policy/sequence': row(
    'A bundle that changed does not count on',
    'Servers take no step back and no second bundle of one sequence. Raise `metadata.sequence`, and sign again.',
  ),
  'policy/widened': row(
    'A change lets somebody have more than before',
    'Whoever owns the policy should look at it. `--allow-widening` accepts it.',
  ),
  'rogue/self-signed-ca': row(
    'A CA signed itself and is no corporate anchor',
    'Whoever has its key makes any identity for all that trust it. Have it signed by the corporate CA, or remove it (docs/rogue.md).',
  ),
  'rogue/foreign-ca': row(
    'A CA does not lead to the corporate anchors',
    'Have it signed by the corporate CA, or remove it; `--known` names a CA that may be there (docs/rogue.md).',
  ),
  'rogue/path-length': row(
    'A CA stands below one that may have none below it',
    'Peers that check path lengths refuse what it signs. Ask who signed it: a key of a corporate CA may have been misused.',
  ),
  'rogue/self-signed-leaf': row(
    'A certificate vouches for itself',
    'Have it issued by a CA under the corporate anchors.',
  ),
  'rogue/foreign-leaves': row(
    'Certificates do not lead to the corporate anchors',
    'Have them issued by a CA under the corporate anchors; `--known` names a CA that may be there.',
  ),
  'rogue/self-signed-issuer': row(
    'An issuer has every certificate sign itself',
    'Let an issuer that asks the corporate CA take its place (docs/rogue.md).',
  ),
  'rogue/not-read': row(
    'Something was not looked at',
    'Nothing is known of it. Have it looked at by somebody who may read it, or in a form that can be read.',
  ),
};

export function helpOf(id: string): RuleHelp {
  const known = RULES[id];
  if (known !== undefined) return known;
  if (!Object.hasOwn(REASONS, id)) return row(id, `Reported as ${id}.`);
  const { text } = REASONS[id as Reason];
  return row(text, `${id}: ${text}. The message names the clause, what would pass and whom to ask.`);
}
