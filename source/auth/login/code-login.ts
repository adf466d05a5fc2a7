import {asJarvisError, isSystemError, JarvisError} from '../../errors.ts';
import {loginWaitMs} from '../../store/pending-logins.ts';
import {optional} from '../../store/schema.ts';
import {clean} from '../facts.ts';
import type {IssuedCredential, LoginIo, Question, RedirectRequest} from '../providers/contract.ts';
import {callbackOptions, listenForCallback} from './callback-server.ts';
import type {LoginOptions, LoginResult} from './contract.ts';
import {stateMismatch} from './exchange.ts';
import {keepIssued} from './keep.ts';
import {timedOut, unreadable} from './login-errors.ts';
import {readRedirectInput} from './redirect-input.ts';
import type {Stage} from './stage.ts';

/** How long (ms) after a code's end a login that polls for it still has to say so. */
const codeGraceMs = 60_000;

/** The longest time (ms) that a login waits, whatever its server says. */
const longestWaitMs = 24 * 60 * 60_000;

/**
 * Carries out a login that is code: a provider's own, or the standard device login.
 * @throws what the code throws, `login_timed_out`, and what `keepIssued` throws
 */
export async function codeLogin(
	options: LoginOptions,
	login: (io: LoginIo) => Promise<IssuedCredential>,
	stage: Stage,
): Promise<LoginResult> {
	const waitMs = options.waitMs ?? loginWaitMs;
	const over = Promise.withResolvers<never>();
	let timer: NodeJS.Timeout;
	const endIn = (ms: number) => {
		clearTimeout(timer);
		// Longer than a day nobody waits, and no timer of Node's could.
		const waitMs = Math.min(ms, longestWaitMs);
		timer = setTimeout(() => over.reject(timedOut(options.provider, waitMs)), waitMs);
	};
	endIn(waitMs);
	stage.onEnd(() => clearTimeout(timer));
	// Who loses the race has nobody who hears of it.
	over.promise.catch(() => {});
	const until = options.now() + waitMs;
	// A code may be good for longer than logins wait; whoever polls for it tells when it is over.
	const onCode = (end: number) => endIn(Math.max(waitMs, end - options.now() + codeGraceMs));
	const issued = await Promise.race([login(ioOf(options, stage, until, onCode)), over.promise]).catch(
		error => {
			throw explained(options, error);
		},
	);
	stage.signal.throwIfAborted();
	stage.move({step: 'exchanging'});
	return keepIssued({...options, methodName: options.method.method, signal: stage.signal}, issued);
}

function ioOf(options: LoginOptions, stage: Stage, until: number, onCode: (end: number) => void): LoginIo {
	const {network, now} = options;
	return {
		fetch: network.fetch,
		now,
		signal: stage.signal,
		progress: text => stage.move({step: 'exchanging', text: clean(text)}),
		showCode: code => {
			onCode(code.until);
			stage.moveAndOpen({step: 'device', ...code}, code.verificationUriComplete ?? code.verificationUri);
		},
		showLink: link => {
			const pasted = Promise.withResolvers<string>();
			stage.onPaste(async text => {
				pasted.resolve(text);
				return undefined;
			});
			const {url} = link;
			stage.moveAndOpen(
				{step: 'waiting', listening: false, until, url, ...optional('instructions', link.instructions)},
				url,
			);
			return pasted.promise;
		},
		ask: question => ask(stage, question),
		async choose({message, options: choices}) {
			const chosen = (answer: string) => choices.find(({id}) => id === answer) ?? choices[Number(answer) - 1];
			const answer = await ask(stage, {
				message,
				options: choices,
				check: text => (chosen(text) ? undefined : `Choose one of: ${choices.map(({id}) => id).join(', ')}.`),
			});
			return chosen(answer)?.id ?? answer;
		},
		redirect: request => redirect(options, stage, request, until),
	};
}

function ask(
	stage: Stage,
	question: Question & {readonly options?: readonly {readonly id: string; readonly label: string}[]},
): Promise<string> {
	const answered = Promise.withResolvers<string>();
	const {message, placeholder, secret = false, mayBeEmpty = false, check, options} = question;
	stage.onPaste(async text => {
		const answer = text.trim();
		const fault =
			answer === '' ? (mayBeEmpty ? undefined : 'Something must be typed.') : await check?.(answer);
		if (fault !== undefined) throw new JarvisError('secret_malformed', fault, 'Type it again.');
		answered.resolve(answer);
		return undefined;
	});
	stage.move({
		step: 'asking',
		message: clean(message),
		...{secret, mayBeEmpty},
		...optional('placeholder', placeholder && clean(placeholder)),
		...optional('options', options),
	});
	return answered.promise;
}

async function redirect(
	options: LoginOptions,
	stage: Stage,
	request: RedirectRequest,
	until: number,
): Promise<URLSearchParams> {
	const arrived = Promise.withResolvers<URLSearchParams>();
	let url: string | undefined;
	const callback = await listenForCallback(
		request.redirectUris,
		async params => {
			const isResponse = params.has('code') || params.has('error');
			if (!isResponse || !(await request.isOurs(params))) return 'not ours';
			arrived.resolve(params);
			return params.has('error') ? 'denied' : 'accepted';
		},
		callbackOptions(options, () => url),
	);
	stage.onEnd(() => callback?.close());
	const redirectUri = callback?.redirectUri ?? request.redirectUris[0] ?? '';
	stage.onPaste(async text => {
		const input = readRedirectInput(text);
		if (input.kind === 'bare code') arrived.resolve(new URLSearchParams({code: input.code}));
		else if (input.kind !== 'response') throw unreadable();
		else if (!(await request.isOurs(input.params))) throw stateMismatch();
		else arrived.resolve(input.params);
		return undefined;
	});
	url = await request.url(redirectUri);
	const shortUrl = optional('shortUrl', callback?.shortUrl);
	stage.moveAndOpen(
		{step: 'waiting', listening: callback !== undefined, url, redirectUri, until, ...shortUrl},
		url,
	);
	const params = await arrived.promise;
	callback?.close();
	stage.move({step: 'exchanging'});
	return params;
}

// What a provider's code throws may quote a secret: only our own errors go on as they are.
function explained({provider}: LoginOptions, error: unknown): JarvisError {
	if (error instanceof JarvisError || isSystemError(error, 'ENOSPC', 'EACCES', 'EROFS'))
		return asJarvisError(error);
	const name = error instanceof Error ? error.name : typeof error;
	return new JarvisError(
		'login_server_error',
		`The login of ${provider.label} failed in its own code (${clean(name)}).`,
		'Try again, or another way to log in (--method).',
		{cause: error},
	);
}
