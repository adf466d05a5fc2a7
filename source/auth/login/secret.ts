import {optional} from '../../store/schema.ts';
import type {IssuedCredential, SecretMethod} from '../providers/contract.ts';
import type {LoginOptions, LoginResult} from './contract.ts';
import {keepIssued} from './keep.ts';
import {readSecret} from './secret-form.ts';
import type {Stage} from './stage.ts';

/**
 * Takes a secret that the person pastes (seed, "Anthropic setup-token").
 * @throws what `keepIssued` throws
 */
export async function pastedSecret(
	options: LoginOptions,
	method: SecretMethod,
	stage: Stage,
): Promise<LoginResult> {
	const pasted = Promise.withResolvers<{readonly secret: string; readonly note?: string}>();
	stage.onPaste(async text => {
		pasted.resolve(readSecret(text, method));
		return undefined;
	});
	stage.move({
		step: 'asking',
		message: `Paste the ${method.label ?? 'secret'} of ${options.provider.label}`,
		...optional('hint', method.hint),
		...{secret: true, mayBeEmpty: false},
	});
	const {secret, note} = await pasted.promise;
	const issued: IssuedCredential =
		method.method === 'api_key'
			? {type: 'api_key', key: secret}
			: {type: 'token', token: secret, ...optional('expires', options.expires)};
	const result = await keepIssued({...options, methodName: method.method, signal: stage.signal}, issued);
	const notes = [note && `The secret is ${note}.`, result.note].filter(Boolean);
	return {...result, ...optional('note', notes.length > 0 ? notes.join(' ') : undefined)};
}
