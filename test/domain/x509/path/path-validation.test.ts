// A third opinion: pkijs walks the path from leaf to anchor as RFC 5280 section 6.1 says, in code
// that neither our writer nor OpenSSL has a part in.
import assert from 'node:assert/strict';
import { Certificate, CertificateChainValidationEngine } from 'pkijs';
import { decodePem } from '../../../../src/domain/x509/pem.ts';
import { testAuthority } from '../../../support/certificates.ts';
import { everyShape, type Shape } from '../shapes.ts';

function read(pem: string): Certificate {
  const der = decodePem(pem, 'CERTIFICATE');
  assert.ok(der instanceof Uint8Array);
  return Certificate.fromBER(Uint8Array.from(der).buffer);
}

async function validate({ certificate, authority }: Shape, rootPem: string) {
  // The engine takes the last certificate for the one in question.
  const certs = [...authority.issuer.chainPems, certificate.pem].map(read);
  return new CertificateChainValidationEngine({ trustedCerts: [read(rootPem)], certs }).verify();
}

describe('Path validation by another library', () => {
  let shapes: readonly Shape[];
  before(async () => {
    shapes = await everyShape();
  });

  it('leads from every shape of certificate to the corporate root', async () => {
    for (const shape of shapes) {
      const { result, resultMessage } = await validate(shape, shape.authority.root.certificatePem);
      assert.equal(result, true, `${shape.name}: ${resultMessage}`);
    }
  });

  it('leads to no other root', async () => {
    const other = await testAuthority();
    const { result } = await validate(shapes[0]!, other.root.certificatePem);
    assert.equal(result, false);
  });
});
