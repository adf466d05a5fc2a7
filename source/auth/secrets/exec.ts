import {type ChildProcessByStdio, spawn} from 'node:child_process';
import {lstat, realpath, stat} from 'node:fs/promises';
import {dirname, sep} from 'node:path';
import type {Readable, Writable} from 'node:stream';
import {isSystemError} from '../../errors.ts';
import {isObject, type JsonObject, member, tryParseJson} from '../../store/json.ts';
import {killGroup} from '../../store/kill-group.ts';
import type {ExecProvider} from '../../store/secrets-config.ts';
import {quoted} from '../facts.ts';
import {failed, type Resolution} from './refs.ts';
import {RefFault, type SecretBatch} from './resolve-refs.ts';
import {hasMode, isOwnedByUs} from './trust.ts';

/** The version of what is written to a program and read from it (docs/secrets.md). */
const protocolVersion = 1;

/**
 * Secrets that a program gives: one request with all ids on its standard input, one answer on its standard
 * output. It is started without a shell, with the variables that are configured and no others, and away from the
 * terminal. What it writes to standard error is not read: it may hold secrets.
 */
export async function resolveFromProgram({
	name,
	provider,
	ids,
	env,
	maxBatchBytes,
}: SecretBatch<'exec'>): Promise<ReadonlyMap<string, Resolution>> {
	const request = JSON.stringify({protocolVersion, provider: name, ids});
	if (Buffer.byteLength(request) > maxBatchBytes) {
		throw new RefFault('too_large', `its request would be larger than ${maxBatchBytes} bytes`);
	}
	const program = await trustedProgram(provider);
	const answer = await run(provider, program, request, env);
	const document = tryParseJson(answer);
	if (document && member(document, 'protocolVersion') === protocolVersion) return answered(document, ids);
	const {command, jsonOnly} = provider;
	if (jsonOnly) {
		const what = document ? `JSON of another protocol than ${protocolVersion}` : 'no JSON object';
		throw new RefFault('bad_answer', `${command} answered with ${what}`);
	}
	const [id, ...others] = ids;
	if (id === undefined || others.length > 0) {
		throw new RefFault(
			'bad_answer',
			`${command} answered ${ids.length} refs with plain text, which has no ids`,
		);
	}
	const value = answer.replace(/\r?\n$/, '');
	return new Map([[id, value === '' ? failed('not_found', `${command} answered with nothing`) : {value}]]);
}

function answered(document: JsonObject, ids: readonly string[]): Map<string, Resolution> {
	const values = member(document, 'values');
	const errors = member(document, 'errors');
	return new Map(
		ids.flatMap((id): [string, Resolution][] => {
			const value = member(values, id);
			if (typeof value === 'string' && value !== '') return [[id, {value}]];
			const error = member(errors, id);
			if (error !== undefined) {
				const message = isObject(error) ? error.message : error;
				const words = typeof message === 'string' ? `: ${quoted(message)}` : '';
				return [[id, failed('not_found', `the program refused it${words}`)]];
			}
			if (value === undefined || value === '') return [];
			return [[id, failed('bad_answer', 'the program answered with something else than a text')]];
		}),
	);
}

/**
 * Where the program itself is, which is what is started: a link may lead elsewhere by then. Whoever can change it, or
 * put another in its place, would be asked for every secret.
 */
async function trustedProgram({command, allowSymlinkCommand, trustedDirs}: ExecProvider): Promise<string> {
	const insecure = (why: string) => new RefFault('insecure', `${command} ${why}`);
	try {
		const isLink = (await lstat(command)).isSymbolicLink();
		if (isLink && !(allowSymlinkCommand && trustedDirs.length > 0)) {
			throw insecure('is a symbolic link (allowSymlinkCommand and trustedDirs may allow it)');
		}
		const real = await realpath(command);
		if (trustedDirs.length > 0) {
			const trusted = await Promise.all(trustedDirs.map(folder => realpath(folder).catch(() => undefined)));
			const isIn = (folder: string | undefined) =>
				folder !== undefined && real.startsWith(folder.endsWith(sep) ? folder : folder + sep);
			if (!trusted.some(isIn)) throw insecure('lies in none of the trustedDirs');
		}
		const [file, folder] = await Promise.all([stat(real), stat(dirname(real))]);
		if (!file.isFile()) throw insecure('is no regular file');
		if (!isOwnedByUs(file)) throw insecure('belongs to another user');
		if (hasMode(file, 0o022)) throw insecure('can be changed by others (take that away: chmod go-w)');
		if (!isOwnedByUs(folder)) throw insecure('lies in a folder of another user');
		const isSticky = hasMode(folder, 0o1000);
		if (hasMode(folder, 0o022) && !isSticky) {
			throw insecure('lies in a folder that others can change (take that away: chmod go-w)');
		}
		return real;
	} catch (error) {
		if (error instanceof RefFault) throw error;
		if (isSystemError(error, 'ENOENT', 'ENOTDIR'))
			throw new RefFault('unavailable', `there is no ${command}`);
		throw new RefFault('unavailable', `${command} cannot be looked at${codeOf(error)}`);
	}
}

/** What ends this process, unless somebody listens. */
const deadly = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs the program to its end and gives what it wrote to standard output. */
async function run(
	provider: ExecProvider,
	program: string,
	request: string,
	env: NodeJS.ProcessEnv,
): Promise<string> {
	let child: Program | undefined;
	const kill = () => {
		if (child) end(child);
	};
	// It is in another group, which the terminal's ^C does not reach.
	const die = (signal: NodeJS.Signals) => {
		kill();
		if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
	};
	// Before it is started: it may do its work, and be noticed, before that is known here.
	process.once('exit', kill);
	for (const signal of deadly) process.once(signal, die);
	try {
		child = start(provider, program, env);
		return await outputOf(child, provider, request);
	} catch (error) {
		kill();
		throw error;
	} finally {
		process.removeListener('exit', kill);
		for (const signal of deadly) process.removeListener(signal, die);
	}
}

type Program = ChildProcessByStdio<Writable, Readable, null>;

function start(provider: ExecProvider, program: string, env: NodeJS.ProcessEnv): Program {
	const {command, args} = provider;
	try {
		// A group of its own, so that what it starts ends with it, and no terminal that it could ask a person on.
		return spawn(program, args, {
			// Some do different things by the name under which they are called.
			argv0: command,
			...{env: environmentOf(provider, env), cwd: '/', detached: true, shell: false, windowsHide: true},
			stdio: ['pipe', 'pipe', 'ignore'],
		});
	} catch (error) {
		throw new RefFault('unavailable', `${command} cannot be started${codeOf(error)}`);
	}
}

function outputOf(child: Program, provider: ExecProvider, request: string): Promise<string> {
	const {command, timeoutMs, noOutputTimeoutMs, maxOutputBytes} = provider;
	const {promise, resolve, reject} = Promise.withResolvers<string>();
	const chunks: Buffer[] = [];
	let length = 0;
	const giveUp = (...failure: ConstructorParameters<typeof RefFault>) => reject(new RefFault(...failure));
	const late = () => giveUp('timed_out', `${command} took longer than ${timeoutMs} ms, and was ended`);
	const silent = () =>
		giveUp('timed_out', `${command} wrote nothing for ${noOutputTimeoutMs} ms, and was ended`);
	const deadline = setTimeout(late, timeoutMs);
	const silence = noOutputTimeoutMs === undefined ? undefined : setTimeout(silent, noOutputTimeoutMs);

	child.on('error', error => giveUp('unavailable', `${command} cannot be started${codeOf(error)}`));
	child.stdout.on('data', (chunk: Buffer) => {
		silence?.refresh();
		length += chunk.length;
		if (length > maxOutputBytes) giveUp('too_large', `${command} wrote more than ${maxOutputBytes} bytes`);
		else chunks.push(chunk);
	});
	child.on('close', (code, signal) => {
		if (code === 0) resolve(Buffer.concat(chunks).toString('utf8'));
		else giveUp('unavailable', `${command} ended with ${signal ?? `exit code ${code}`}`);
	});
	// It may end without having read what it was asked.
	child.stdin.on('error', () => {});
	child.stdin.end(`${request}\n`);
	return promise.finally(() => {
		clearTimeout(deadline);
		clearTimeout(silence);
	});
}

function environmentOf({env, passEnv}: ExecProvider, own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
	const passed = passEnv.flatMap(key => (own[key] === undefined ? [] : [[key, own[key]] as const]));
	return {...Object.fromEntries(passed), ...env};
}

function end(child: Program): void {
	if (child.pid === undefined) return;
	killGroup(child);
	// What escaped the group may hold the pipe open, and would keep this process from ending.
	child.stdout.destroy();
	child.stdin.destroy();
	child.unref();
}

function codeOf(error: unknown): string {
	return error instanceof Error && 'code' in error ? ` (${error.code})` : '';
}
