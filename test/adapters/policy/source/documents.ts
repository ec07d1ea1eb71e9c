// Policy documents as text, and what the parser says of them in one line each.
import assert from 'node:assert/strict';
import { parsePolicyDocuments, type ParsedDocument } from '../../../../src/adapters/policy/source/parse-documents.ts';
import { formatPosition } from '../../../../src/domain/text/position.ts';

export const HEAD = 'apiVersion: capstan.dev/v1alpha1\n';

/** A bundle with the least that it must say; `more` are further lines at its top. */
export function bundleText(more = 'rules: []'): string {
  return `${HEAD}kind: PolicyBundle
metadata: { name: corp, sequence: 7 }
owner: { team: security, contact: "#pki" }
${more}
`;
}

export const BOUNDS = `{
      trustDomains: [corp.example], spiffeId: "spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}",
      ttl: { max: 24h }, keys: [ec-p256], usages: [digitalSignature, clientAuth] }`;

/** A namespaced policy of `shop`; `spec` are the fields of its spec in flow style. */
export function localText(spec = ''): string {
  return `${HEAD}kind: IssuancePolicy\nmetadata: { name: web, namespace: shop }\nspec: { ${spec} }\n`;
}

/** `line:column path: problem` of everything that is wrong. */
export function problemsOf(text: string): string[] {
  return parsePolicyDocuments(text, 'p.yaml').problems.map(({ position, path, problem }) => {
    assert.equal(position.place, 'p.yaml');
    return `${formatPosition(position).replace('p.yaml:', '')} ${path}: ${problem}`;
  });
}

export function onlyDocument(text: string): ParsedDocument {
  const { documents, problems } = parsePolicyDocuments(text, 'p.yaml');
  assert.deepEqual(problems, []);
  assert.equal(documents.length, 1);
  return documents[0]!;
}
