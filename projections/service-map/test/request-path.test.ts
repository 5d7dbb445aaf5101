import { expect, test } from 'vitest'
import { requestPath } from '../src/request-path.js'

test.each([
  ['/a/b?c=/d', '/a/b'],
  ['/a#b', '/a'],
  ['/', '/'],
  ['/?x', '/'],
  ['http://host:80/a/b?c', '/a/b'],
  ['HTTP://host', '/'],
  ['http://host?x', '/'],
  ['example.test:443', 'example.test:443'],
  ['*', '*'],
  ['//double/slash', '//double/slash'],
  ['/a?b?c', '/a'],
  ['', ''],
])('%s has the path %s', (target, path) => {
  expect(requestPath(target)).toBe(path)
})
