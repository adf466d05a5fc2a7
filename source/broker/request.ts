import type {ResolveRequest} from '../auth/resolve.ts';
import {type FailureReason, failureReasons} from '../auth/routing/rotation.ts';
import {JarvisError} from '../errors.ts';
import {isObject, tryParseJson} from '../store/json.ts';
import {parseSpan} from '../words.ts';
import {tokenParameters} from './contract.ts';

/** What clients ask for, decoded: the words are those of `jarvis models auth token` and `report`. */

/**
 * The query of `/v1/token` and `/v1/events`.
 * @throws `usage` for a parameter that is not known, given twice, or of another form
 */
export function tokenRequest(query: string): ResolveRequest {
	const parameters = new URLSearchParams(query);
	for (const name of parameters.keys()) {
		if (!tokenParameters.includes(name)) {
			throw usage(`There is no parameter ${JSON.stringify(name)}.`, `Use: ${tokenParameters.join(', ')}.`);
		}
		if (name !== 'tried' && parameters.getAll(name).length > 1) {
			throw usage(`The parameter ${name} is given twice.`, 'Give it once.');
		}
	}
	const text = (name: string) => textOf(name, parameters.get(name) ?? undefined);
	const minTtl = text('min-ttl');
	return {
		providerId: text('provider'),
		model: text('model'),
		agentId: text('agent'),
		sessionKey: text('session'),
		profileId: text('profile'),
		minTtlMs: minTtl === undefined ? undefined : spanOf('min-ttl', minTtl),
		readyOnly: parameters.has('ready') && switchOf('ready', parameters.get('ready')),
		...(parameters.has('tried') ? {tried: parameters.getAll('tried')} : {}),
	};
}

/** How a profile did in use, as `/v1/report` is told it. */
export interface Report {
	readonly agentId?: string;
	readonly profileId: string;
	readonly outcome: 'ok' | FailureReason;
	/** How long ago (ms) the request began. */
	readonly tookMs?: number;
	/** In how long (ms) the provider says that it can be used again. */
	readonly retryAfterMs?: number;
	readonly permanent: boolean;
}

const reportMembers = ['agent', 'profile', 'outcome', 'took', 'retry-after', 'permanent'];

/**
 * The body of `/v1/report`.
 * @throws `usage`
 */
export function reportOf(body: string): Report {
	const value = tryParseJson(body);
	if (!isObject(value))
		throw usage('The body is no JSON object.', `Send one with: ${reportMembers.join(', ')}.`);
	const unknown = Object.keys(value).find(name => !reportMembers.includes(name));
	if (unknown !== undefined) {
		throw usage(`There is no member ${JSON.stringify(unknown)}.`, `Use: ${reportMembers.join(', ')}.`);
	}
	const text = (name: string) => textOf(name, value[name]);
	const span = (name: string) => {
		const given = text(name);
		return given === undefined ? undefined : spanOf(name, given);
	};
	const profileId = text('profile');
	if (profileId === undefined) throw usage('The body names no profile.', 'Name the one that /v1/token gave.');
	const outcome = (['ok', ...failureReasons] as const).find(known => known === value.outcome);
	if (!outcome) {
		const given = JSON.stringify(value.outcome);
		throw usage(
			given === undefined ? 'The body names no outcome.' : `${given} is no outcome.`,
			`Use one of: ok, ${failureReasons.join(', ')}.`,
		);
	}
	const [agentId, tookMs, retryAfterMs] = [text('agent'), span('took'), span('retry-after')];
	const permanent = value.permanent ?? false;
	if (typeof permanent !== 'boolean') throw usage('permanent is no boolean.', 'Use true or false.');
	if (permanent && outcome !== 'auth') throw usage('permanent is for auth only.', 'Leave it out.');
	if (retryAfterMs !== undefined && outcome === 'ok') {
		throw usage('retry-after is for failures only.', 'Leave it out.');
	}
	return {
		...{profileId, outcome, permanent},
		...(agentId === undefined ? {} : {agentId}),
		...(tookMs === undefined ? {} : {tookMs}),
		...(retryAfterMs === undefined ? {} : {retryAfterMs}),
	};
}

function textOf(name: string, value: unknown): string | undefined {
	if (value === undefined) return undefined;
	if (typeof value === 'string' && value !== '') return value;
	throw usage(`${name} holds no text.`, 'Leave it out, or give it a value.');
}

function spanOf(name: string, text: string): number {
	const ms = parseSpan(text);
	if (ms !== undefined) return ms;
	throw usage(
		`${name} ${JSON.stringify(text)} is no span of time.`,
		'Write a number and s, m, h or d, for example 5m.',
	);
}

function switchOf(name: string, text: string | null): boolean {
	if (text === '' || text === '1' || text === 'true') return true;
	if (text === '0' || text === 'false') return false;
	throw usage(`${name} is neither true nor false.`, 'Write true, or leave it out.');
}

/** The error of a request that cannot be understood. */
export function usage(message: string, next: string): JarvisError {
	return new JarvisError('usage', message, next);
}
