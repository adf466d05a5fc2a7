import {describe, expect, test} from 'vitest';
import type {Resolved} from '../../source/auth/resolve.ts';
import {formatNamed} from '../../source/commands/token-format.ts';
import {JarvisError} from '../../source/errors.ts';

const noon = Date.UTC(2026, 10, 1, 12);

function found(secret: string, expires?: number): Resolved {
	return {
		...{agentId: 'main', profileId: 'acme:maya', provider: 'acme', kind: 'token', secret},
		...(expires === undefined ? {} : {expires}),
		...{reason: 'ok', why: 'it is first', passedOver: []},
	};
}

describe('the form of credential_process', () => {
	const format = formatNamed('credential-process');

	test('has an access key in its parts, and when it runs out, never later', () => {
		expect(format(found('AKIANOTASECRET:not/a+secret='), {})).toEqual({
			...{Version: 1, AccessKeyId: 'AKIANOTASECRET', SecretAccessKey: 'not/a+secret='},
		});
		expect(format(found('ASIANOTASECRET:not/a+secret=:not-a-session==', noon + 999), {})).toEqual({
			...{Version: 1, AccessKeyId: 'ASIANOTASECRET', SecretAccessKey: 'not/a+secret='},
			...{SessionToken: 'not-a-session==', Expiration: '2026-11-01T12:00:00Z'},
		});
	});

	test.each(['not-a-secret', 'id:', ':key', 'a:b:c:d'])('is not given to %s, which is not quoted', secret => {
		const fault = thrown(() => format(found(secret), {}));
		expect(fault).toMatchObject({code: 'format_unfit', exitCode: 1});
		expect(fault.message + fault.next).not.toContain(secret);
	});

	test.each(['acme', 'openai', 'amazon-bedrock'])('sends who asks %s to where AWS’ keys are', provider => {
		const {next} = thrown(() => format({...found('not-a-secret'), provider, agentId: 'work'}, {}));
		// Stored as another provider's, the key would be given to that one.
		expect(next).toMatch(
			/An access key is stored by: jarvis models auth paste-token --provider amazon-bedrock --profile-id amazon-bedrock:access-key --agent work$/,
		);
		expect(next.includes('Ask with --provider amazon-bedrock;')).toBe(provider !== 'amazon-bedrock');
		expect(next).not.toMatch(/--provider (acme|openai)/);
	});
});

describe('the form of ExecCredential', () => {
	const format = formatNamed('exec-credential');
	const asked = (apiVersion: string) => ({
		KUBERNETES_EXEC_INFO: JSON.stringify({apiVersion, kind: 'ExecCredential', spec: {interactive: false}}),
	});

	test.each([
		[{}, 'v1'],
		[{KUBERNETES_EXEC_INFO: 'nothing that is JSON'}, 'v1'],
		[asked('client.authentication.k8s.io/v1'), 'v1'],
		[asked('client.authentication.k8s.io/v1beta1'), 'v1beta1'],
	])('is of the version that is asked for: %j', (env, version) => {
		expect(format(found('not-a-secret', noon + 1), env)).toEqual({
			apiVersion: `client.authentication.k8s.io/${version}`,
			kind: 'ExecCredential',
			status: {token: 'not-a-secret', expirationTimestamp: '2026-11-01T12:00:00Z'},
		});
	});

	test('says nothing of the end of what has none', () => {
		expect(format(found('not-a-secret'), {})).toMatchObject({status: {token: 'not-a-secret'}});
		expect(JSON.stringify(format(found('not-a-secret'), {}))).not.toContain('expiration');
	});

	test('is not made up for a version that is not known', () => {
		const fault = thrown(() => format(found('not-a-secret'), asked('client.authentication.k8s.io/v1alpha1')));
		expect(fault.code).toBe('format_unfit');
	});
});

test.each(['', 'json', 'toString'])('there is no form %j', name => {
	expect(thrown(() => formatNamed(name))).toMatchObject({code: 'usage', exitCode: 2});
});

function thrown(act: () => unknown): JarvisError {
	try {
		act();
	} catch (error) {
		if (error instanceof JarvisError) return error;
	}
	expect.fail('nothing was thrown that a person can meet');
}
