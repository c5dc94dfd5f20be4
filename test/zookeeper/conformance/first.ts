/** Cases of a server that nobody has written to: what is there from the start. */
import { a, type Case, casesOf, deviation } from './case.ts';
import {
  countDescendants,
  exists,
  getAcl,
  getChildren2,
  getData,
  getEphemerals,
} from './requests.ts';

const first = { isFirst: true };

export const firstCases: Case[] = casesOf('first', {
  'the handshake': [first, a.connect(), a(exists('/'))],
  'the root': [first, a(getData('/'), getChildren2('/'), getAcl('/'), countDescendants('/'))],
  'the empty path is the root': [first, a(getData(''), exists(''), getChildren2(''), getAcl(''))],
  'descendants of the empty path': [
    first,
    deviation('ZooKeeper counts the root among its own descendants here.', 'a 1 +1 0 3'),
    a(countDescendants('')),
  ],
  'reserved nodes': [
    first,
    a(getData('/zookeeper'), getChildren2('/zookeeper'), getAcl('/zookeeper')),
    a(getData('/zookeeper/quota'), getChildren2('/zookeeper/quota'), getAcl('/zookeeper/quota')),
    a(getData('/zookeeper/config'), getAcl('/zookeeper/config'), getEphemerals('/')),
  ],
});
