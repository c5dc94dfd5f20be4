/**
 * Runs once before the compat suites: looks for foreign software, installs what it may, and leaves for each either where it is
 * or why it is missing (software.ts reads that). Packages are installed only as root on a system with apt-get, unless
 * COMPAT_INSTALL=0; no service is started.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const INSTALL_MS_MAX = 240_000;

export default (): void => {
  prepareApacheKafka();
  prepareKcat();
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
