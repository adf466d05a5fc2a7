import {providerFlag} from '../auth/profile-commands.ts';
import {amazonBedrock} from '../auth/providers/amazon-bedrock.ts';
import type {Resolved} from '../auth/resolve.ts';
import {JarvisError} from '../errors.ts';
import {textMember, tryParseJson} from '../store/json.ts';

/** Writes a credential in the form that a kind of program takes from a helper. */
type Format = (found: Resolved, env: NodeJS.ProcessEnv) => unknown;

const formats: Readonly<Record<string, Format>> = {
	'credential-process': credentialProcess,
	'exec-credential': execCredential,
};

/**
 * The writer of a form.
 * @throws `usage`, naming those that there are
 */
export function formatNamed(name: string): Format {
	const format = Object.hasOwn(formats, name) ? formats[name] : undefined;
	if (format) return format;
	throw new JarvisError(
		'usage',
		`There is no form ${JSON.stringify(name)}.`,
		`Use one of: ${Object.keys(formats).join(', ')}. Without --format the token is printed alone.`,
	);
}

// Stored as another provider's, it would be handed out as that one's secret.
const aws = amazonBedrock.id;

/** For `credential_process` of AWS' tools and SDKs (AWS SDKs reference, "Process credential provider"). */
function credentialProcess({agentId, profileId, provider, secret, expires}: Resolved): unknown {
	const [id = '', key = '', token, ...others] = secret.split(':');
	if (id === '' || key === '' || others.length > 0) {
		throw new JarvisError(
			'format_unfit',
			`${profileId} is no access key: AWS takes an id and a secret here, joined by a colon.`,
			`${provider === aws ? '' : `Ask with ${providerFlag(aws)}; anything else goes by jarvis exec. `}An access key is stored by: jarvis models auth paste-token ${providerFlag(aws)} --profile-id ${aws}:access-key --agent ${agentId}`,
		);
	}
	return {
		Version: 1,
		AccessKeyId: id,
		SecretAccessKey: key,
		...(token ? {SessionToken: token} : {}),
		...(expires === undefined ? {} : {Expiration: timeOf(expires)}),
	};
}

const execApi = 'client.authentication.k8s.io/';

/** For the exec plugins of Kubernetes' clients (Kubernetes reference, "client-go credential plugins"). */
function execCredential({secret, expires}: Resolved, env: NodeJS.ProcessEnv): unknown {
	// The client says which version it wants; older ones only if it is the old one.
	const info = env.KUBERNETES_EXEC_INFO;
	const asked = info === undefined ? undefined : textMember(tryParseJson(info), 'apiVersion');
	const apiVersion = asked ?? `${execApi}v1`;
	if (![`${execApi}v1`, `${execApi}v1beta1`].includes(apiVersion)) {
		throw new JarvisError(
			'format_unfit',
			'KUBERNETES_EXEC_INFO asks for a version of ExecCredential that is not known here.',
			`Write apiVersion: ${execApi}v1 into the kubeconfig.`,
		);
	}
	return {
		apiVersion,
		kind: 'ExecCredential',
		status: {
			token: secret,
			...(expires === undefined ? {} : {expirationTimestamp: timeOf(expires)}),
		},
	};
}

// To the second, as both want it; rounded down, so that nothing is used for longer than it lives.
function timeOf(ms: number): string {
	return `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}
