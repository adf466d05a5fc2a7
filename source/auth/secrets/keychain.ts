import {spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {JarvisError} from '../../errors.ts';
import {keychainTimeoutMs} from '../../store/secrets-config.ts';
import {quoted} from '../facts.ts';
import {type KeychainItem, type KeychainReply, type KeychainRequest, readySign} from './keychain-protocol.ts';

/**
 * The operating system's keychain: Secret Service on Linux, Keychain on macOS, Credential Manager on Windows.
 *
 * Every call is made in a process of its own that is killed when it takes too long: a locked keychain waits for
 * a password that over SSH nobody is asked for (docs/keychain.md).
 */
export interface Keychain {
	/** The environment: on Linux it tells where the session's bus is. */
	readonly env: NodeJS.ProcessEnv;
	/** How long (ms) one call may take. */
	readonly limitMs?: number;
}

/** How long (ms) the process may take to start, on a machine that has much else to do. */
const startLimitMs = 15_000;

// Beside this file, in the source as in what is built of it.
const worker = new URL(
	import.meta.url.endsWith('.ts') ? './keychain-worker.ts' : './keychain-worker.js',
	import.meta.url,
);

/**
 * The secrets of items, in their order; `undefined` for one that there is not.
 * @throws `keychain_unavailable`
 */
export async function getFromKeychain(
	keychain: Keychain,
	items: readonly KeychainItem[],
): Promise<(string | undefined)[]> {
	const values = await call(keychain, {do: 'get', items});
	return items.map((_, index) => values[index] ?? undefined);
}

/**
 * Puts a secret into the keychain. Whoever needs to be sure reads it back.
 * @throws `keychain_unavailable`
 */
export async function setInKeychain(keychain: Keychain, item: KeychainItem, secret: string): Promise<void> {
	await call(keychain, {do: 'set', item, secret});
}

async function call(keychain: Keychain, request: KeychainRequest): Promise<readonly (string | null)[]> {
	const limitMs = keychain.limitMs ?? keychainTimeoutMs;
	const {reply, isLate} = await ask(keychain, limitMs, request);
	if (isLate) throw unavailable('timed_out', `did not answer within ${limitMs / 1000} s`, unlockAdvice());
	if (!reply) throw unavailable('refused', 'ended the process that asked it', unlockAdvice());
	if ('values' in reply) return reply.values;
	if (reply.failed === 'missing') {
		throw new JarvisError(
			'keychain_unavailable',
			'The package @napi-rs/keyring, which reaches the keychain, is not here or not made for this machine.',
			'Install it beside JARVIS: npm install --global @napi-rs/keyring@2 (docs/keychain.md)',
			{cause: new Error(reply.message), details: {reason: 'missing'}},
		);
	}
	throw unavailable('refused', `says "${quoted(reply.message)}"`, adviceOn(reply.message));
}

async function ask(
	{env}: Keychain,
	limitMs: number,
	request: KeychainRequest,
): Promise<{readonly reply?: KeychainReply | undefined; readonly isLate: boolean}> {
	// Within another program's own executable, Electron's say, this makes it behave as Node.
	const child = spawn(process.execPath, [fileURLToPath(worker)], {
		env: {...env, ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: undefined},
		stdio: ['pipe', 'pipe', 'ignore'],
		windowsHide: true,
	});
	let text = '';
	let isLate = false;
	const stop = () => {
		isLate = true;
		child.kill('SIGKILL');
	};
	let timer = setTimeout(stop, startLimitMs);
	process.once('exit', stop);
	child.stdout.setEncoding('utf8').on('data', (piece: string) => {
		if (text === '') {
			clearTimeout(timer);
			timer = setTimeout(stop, limitMs);
		}
		text += piece;
	});
	// It may end without having read the request.
	child.stdin.on('error', () => {}).end(JSON.stringify(request));
	const ended = Promise.withResolvers<void>();
	child.once('error', () => ended.resolve()).once('close', () => ended.resolve());
	await ended.promise;
	clearTimeout(timer);
	process.removeListener('exit', stop);
	return {isLate, reply: isLate ? undefined : replyIn(text)};
}

function replyIn(text: string): KeychainReply | undefined {
	try {
		return JSON.parse(text.startsWith(readySign) ? text.slice(readySign.length) : text) as KeychainReply;
	} catch {
		return undefined;
	}
}

function unavailable(reason: 'timed_out' | 'refused', did: string, next: string): JarvisError {
	return new JarvisError('keychain_unavailable', `The keychain ${did}. Nothing was changed.`, next, {
		details: {reason},
	});
}

function adviceOn(message: string): string {
	if (/lock|dismissed|denied|interaction/i.test(message)) return unlockAdvice();
	if (process.platform !== 'linux') return unlockAdvice();
	if (/no result|no such|collection/i.test(message)) {
		return 'It has no keyring to keep things in. Make one, with a password for it on standard input: gnome-keyring-daemon --replace --unlock';
	}
	return [
		'A Secret Service, such as gnome-keyring or KWallet, must run in this session.',
		'Over SSH, use the one of your desktop: export DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/$(id -u)/bus',
	].join(' ');
}

function unlockAdvice(): string {
	switch (process.platform) {
		case 'darwin':
			return 'Unlock it and try again: security unlock-keychain';
		case 'win32':
			return 'Try again where you are logged in to Windows: a service has no Credential Manager.';
		default:
			return 'It may be locked. Unlock it on the desktop, or here, with its password on standard input: gnome-keyring-daemon --replace --unlock';
	}
}
