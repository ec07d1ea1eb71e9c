// How an intermediate is asked for through cert-manager: which of its issuers signs, and where the requests lie.
import { fields, name, namespaceName, objectName } from './shapes.ts';

const issuer = fields('an issuer of cert-manager: `name`, `kind`, `group`', {
  name: objectName.schema,
  kind: name.schema.default('Issuer'),
  group: objectName.schema.default('cert-manager.io'),
});

/** `namespace` absent is that of Capstan. */
export const certManager = fields('`issuer` (`name`, `kind`, `group`) and `namespace`', {
  issuer: issuer.schema,
  namespace: namespaceName.schema.optional(),
});
