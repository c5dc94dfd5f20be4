/**
 * Runs once before the compat suites: looks for foreign software, installs what it may, and leaves for each either where it is
 * or why it is missing (software.ts reads that). Packages are installed only as root on a system with apt-get, unless
 * COMPAT_INSTALL=0; no service is started.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

const INSTALL_MS_MAX = 240_000;

export default (): void => {
  prepareApacheKafka();
  prepareKcat();
  prepareZooKeepers();
  prepareKazoo();
  prepareNativeClient();
};

const prepareApacheKafka = (): void => {
  const ak = resolve(process.env.COMPAT_AK ?? '../shared/apache-kafka/ak');
  if (!existsSync(ak)) return tell('APACHE_KAFKA', 'there is no ../shared/apache-kafka/ak here');
  if (!isInstalled('java') || !isInstalled('mvn'))
    return tell('APACHE_KAFKA', 'it needs Java and Maven');
  const { status, stderr } = spawnSync(ak, ['install'], {
    encoding: 'utf8',
    timeout: INSTALL_MS_MAX,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (status !== 0) return tell('APACHE_KAFKA', `Maven could not fetch it: ${lastLine(stderr)}`);
  process.env.COMPAT_APACHE_KAFKA = ak;
  // Three brokers and a tool run at once.
  process.env.AK_HEAP ??= '-Xmx384M -Xms128M';
};

const prepareKcat = (): void => {
  const name = ['kcat', 'kafkacat'].find(isInstalled);
  if (name !== undefined) {
    process.env.COMPAT_KCAT = name;
    return;
  }
  const reason = installPackage('kcat');
  if (reason !== null) return tell('KCAT', reason);
  process.env.COMPAT_KCAT = 'kcat';
};

/** The server in Apache Kafka's distribution, and the one in Debian's packages. */
const prepareZooKeepers = (): void => {
  const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
  const kafka = process.env.COMPAT_APACHE_KAFKA;
  if (kafka === undefined)
    tell('ZOOKEEPER', process.env.COMPAT_APACHE_KAFKA_MISSING ?? 'Apache Kafka is missing');
  else process.env.COMPAT_ZOOKEEPER = `${kafka} ${main}`;
  const jar = '/usr/share/java/zookeeper.jar';
  const reason = existsSync(jar) ? null : installPackage('libzookeeper-java');
  if (reason !== null) return tell('DEBIAN_ZOOKEEPER', reason);
  if (!isInstalled('java')) return tell('DEBIAN_ZOOKEEPER', 'it needs Java');
  const options = '-Xmx256M -XX:+UseSerialGC -XX:TieredStopAtLevel=1';
  process.env.COMPAT_DEBIAN_ZOOKEEPER = `java ${options} -cp ${jar} ${main}`;
};

/** A system's Python that has kazoo, or can get it from the system's packages. */
const prepareKazoo = (): void => {
  const find = (): string | undefined =>
    ['python3', '/usr/bin/python3'].find(
      (python) => spawnSync(python, ['-c', 'import kazoo'], { stdio: 'ignore' }).status === 0,
    );
  const reason = find() === undefined ? installPackage('python3-kazoo') : null;
  const python = find();
  if (python !== undefined) process.env.COMPAT_KAZOO = python;
  else tell('KAZOO', reason ?? 'no Python finds kazoo, though it is installed');
};

/**
 * The package `zookeeper` of the version that package.json asks for, compiled once in a folder of its own: as an optional peer
 * dependency it is not installed with the rest.
 */
const prepareNativeClient = (): void => {
  const { peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const version: string = peerDependencies.zookeeper;
  const cache = process.env.COMPAT_CACHE ?? join(homedir(), '.cache', 'barnabas-compat');
  const folder = join(
    cache,
    `zookeeper-${version.replace('^', '')}-node-${process.versions.modules}`,
  );
  const loads = (): boolean =>
    spawnSync(process.execPath, ['-e', "require('zookeeper')"], { cwd: folder }).status === 0;
  if (existsSync(folder) && loads()) {
    process.env.COMPAT_NATIVE_ZOOKEEPER = folder;
    return;
  }
  if (process.env.COMPAT_INSTALL === '0')
    return tell('NATIVE_ZOOKEEPER', 'the package zookeeper is not installed');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const { stdout, stderr } = spawnSync(
    'npm',
    ['install', '--no-audit', '--no-fund', `zookeeper@${version}`],
    { cwd: folder, encoding: 'utf8', timeout: INSTALL_MS_MAX, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  if (loads()) process.env.COMPAT_NATIVE_ZOOKEEPER = folder;
  else {
    const said = `${stdout ?? ''}\n${stderr ?? ''}`;
    tell('NATIVE_ZOOKEEPER', `the package zookeeper could not be built: ${lastLine(said)}`);
  }
};

/** Null, or why it could not be installed. */
const installPackage = (name: string): string | null => {
  if (process.env.COMPAT_INSTALL === '0') return `${name} is not installed`;
  if (process.getuid?.() !== 0 || !isInstalled('apt-get'))
    return `${name} is not installed, and only root with apt-get can do that`;
  const aptGet = (...args: string[]) =>
    spawnSync('apt-get', args, {
      encoding: 'utf8',
      timeout: INSTALL_MS_MAX,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  const install = () => aptGet('install', '-y', '--no-install-recommends', name);
  // The lists of a fresh machine are empty or old.
  let { status, stderr } = install();
  if (status !== 0) {
    aptGet('update');
    ({ status, stderr } = install());
  }
  return status === 0 ? null : `apt-get could not install ${name}: ${lastLine(stderr)}`;
};

const isInstalled = (name: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0;

const lastLine = (text: string | null): string => (text ?? '').trim().split('\n').at(-1) ?? '';

const tell = (name: string, reason: string): void => {
  process.env[`COMPAT_${name}_MISSING`] = reason;
};
