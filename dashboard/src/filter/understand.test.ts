import { expect, test } from 'vitest';
import { inPaths, isConditions, understand } from './understand';

const known = { consumers: ['u:alice', 'a:203.0.113.9', 'u:Acme Corp', 'u:a,b'], locale: 'en' };

test.each([
  ['5xx', 'status:5xx', 'status is 5xx'],
  ['5XX', 'status:5xx', 'status is 5xx'],
  ['404', 'status:404', 'status is 404'],
  ['404,5xx', 'status:404,5xx', 'status is 404 or 5xx'],
  ['>=400', 'status:>=400', 'status is >=400'],
  ['>1s', 'duration:>1s', 'duration is >1s'],
  ['>100kb', 'response_size:>100kb', 'response size is >100kb'],
  ['POST', 'method:POST', 'method is POST'],
  ['post', 'path:*post*', 'path contains “post”'],
  ['Germany', 'country:DE', 'country is Germany'],
  ['united states', 'country:US', 'country is United States'],
  ['-Germany', '-country:DE', 'country is not Germany'],
  ['-5xx', '-status:5xx', 'status is not 5xx'],
  ['/v1/users', 'path:/v1/users*', 'path begins with /v1/users'],
  ['-/health', '-path:/health*', 'path does not begin with /health'],
  ['/v1/*/42', 'path:/v1/*/42', 'path is /v1/*/42'],
  ['/v1/users/{id}', 'route:/v1/users/{id}', 'endpoint is /v1/users/{id}'],
  ['/v1/users/:id', 'route:/v1/users/:id', 'endpoint is /v1/users/:id'],
  ['alice', 'consumer:u:alice', 'consumer is alice'],
  ['Acme Corp', 'consumer:"u:Acme Corp"', 'consumer is Acme Corp'],
  ['a,b', 'consumer:"u:a,b"', 'consumer is a,b'],
  ['203.0.113.9', 'consumer:a:203.0.113.9', 'consumer is 203.0.113.9'],
  ['203.0.113.10', 'address:203.0.113.10', 'address is 203.0.113.10'],
  ['2001:db8::1', 'address:2001:db8::1', 'address is 2001:db8::1'],
  ['orders', 'path:*orders*', 'path contains “orders”'],
  ['POST 5xx New Zealand orders', 'method:POST status:5xx country:NZ path:*orders*', 'method is POST and status is 5xx and country is New Zealand and path contains “orders”'],
  ['status:5xx Germany', 'status:5xx country:DE', 'status:5xx and country is Germany'],
  ['country:Germany', 'country:DE', 'country is Germany'],
  ['-location:united states,FR', '-country:US,FR', 'country is not United States or France'],
  ['600', 'path:*600*', 'path contains “600”'],
  ['-', 'path:*-*', 'path contains “-”'],
])('%s', (typed, q, says) => {
  expect(understand(typed, known)).toEqual({ q, says });
});

test('what has fields already is left to the server', () => {
  for (const typed of ['', '  ', 'status:5xx', 'colour:red -country:US', 'user:"a b"', 'country:us', 'country:US,GB', 'country:nowhere', 'status:', '-status:']) expect(understand(typed, known)).toBeNull();
  expect(isConditions('2001:db8::1')).toBe(false);
});

test('an id that is not in the data is looked for in paths', () => {
  expect(understand('bob', known)).toEqual({ q: 'path:*bob*', says: 'path contains “bob”' });
  expect(inPaths(' a,b c')).toEqual({ q: 'path:*a\\,b* path:*c*', says: 'path contains “a,b” and “c”' });
});
