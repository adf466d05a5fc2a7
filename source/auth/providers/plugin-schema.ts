import * as v from 'valibot';
import {isVisible} from '../../store/paths.ts';
import {isLoopback} from '../authorization-server.ts';
import {clean} from '../facts.ts';

/**
 * What a code plugin may give and ask for (contract.ts), checked as everything is that comes from outside. The
 * messages are never shown: they would quote what was given.
 */

const label = v.pipe(v.string(), v.nonEmpty(), v.maxLength(500), v.check(isVisible));
const secret = v.pipe(v.string(), v.nonEmpty(), v.maxLength(64 * 1024), v.check(isVisible));
/** What is only shown: freed of what a terminal would act on. */
const shown = v.pipe(
	v.string(),
	v.maxLength(2000),
	v.transform(text => clean(text)),
);
const metadata = v.pipe(
	v.record(label, v.pipe(v.string(), v.maxLength(4096))),
	v.check(entries => Object.keys(entries).length <= 50),
);
const link = v.pipe(
	v.string(),
	v.maxLength(16 * 1024),
	v.check(text => URL.canParse(text) && isWeb(new URL(text))),
);
const latestTime = 8_640_000_000_000_000;
/** How long (ms) a device code may be good for. */
const longestCodeMs = 24 * 60 * 60_000;

/** The form of what a login gives, at `now` (epoch ms). */
export function issuedSchema(now: number) {
	return v.variant('type', [
		issuedOAuthSchema(now),
		v.object({
			type: v.literal('token'),
			token: secret,
			expires: v.exactOptional(futureSchema(now)),
			email: v.exactOptional(label),
		}),
		v.object({type: v.literal('api_key'), key: secret, email: v.exactOptional(label)}),
	]);
}

/** The form of what a refresh gives, at `now` (epoch ms). */
export function issuedOAuthSchema(now: number) {
	return v.object({
		type: v.literal('oauth'),
		access: secret,
		refresh: v.exactOptional(secret),
		expires: v.exactOptional(futureSchema(now)),
		expiresIn: v.exactOptional(v.pipe(v.number(), v.minValue(1), v.maxValue(latestTime / 1000))),
		accountId: v.exactOptional(label),
		email: v.exactOptional(label),
		name: v.exactOptional(label),
		clientId: v.exactOptional(label),
		metadata: v.exactOptional(metadata),
	});
}

/** What it may ask of the person, by its name. */
export const questionSchemas = {
	showLink: v.object({url: link, instructions: v.exactOptional(shown)}),
	ask: v.object({
		message: shown,
		placeholder: v.exactOptional(shown),
		secret: v.exactOptional(v.boolean()),
		mayBeEmpty: v.exactOptional(v.boolean()),
		isChecked: v.boolean(),
	}),
	choose: v.object({
		message: shown,
		options: v.pipe(v.array(v.object({id: label, label})), v.minLength(1), v.maxLength(100)),
	}),
	redirect: v.object({redirectUris: v.pipe(v.array(link), v.minLength(1), v.maxLength(20))}),
};

/** What it may tell, by its name. */
export function tellingSchemas(now: number) {
	return {
		progress: shown,
		showCode: v.object({
			userCode: label,
			verificationUri: link,
			verificationUriComplete: v.exactOptional(link),
			until: v.pipe(futureSchema(now), v.maxValue(now + longestCodeMs)),
		}),
	};
}

/** What its functions may return, by their names. */
export const returnSchemas = {check: v.optional(shown), url: link, isOurs: v.boolean()};

/** The value in its form, or `undefined` with the name of the member at fault. */
export function checkedAgainst<const Schema extends v.GenericSchema>(
	schema: Schema,
	value: unknown,
): {readonly value: v.InferOutput<Schema>} | {readonly fault: string} {
	const result = v.safeParse(schema, value);
	if (result.success) return {value: result.output};
	const member = result.issues[0].path?.[0]?.key;
	return {fault: typeof member === 'string' ? member : 'all of it'};
}

function futureSchema(now: number) {
	return v.pipe(v.number(), v.gtValue(now), v.maxValue(latestTime));
}

function isWeb(url: URL): boolean {
	return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
}
