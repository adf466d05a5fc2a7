import type {Provider} from './contract.ts';

/** Models on Amazon Bedrock: by an API key of Bedrock, or by an access key of AWS, which is two or three values. */
export const amazonBedrock: Provider = {
	id: 'amazon-bedrock',
	label: 'Amazon Bedrock (AWS)',
	aliases: ['bedrock', 'aws'],
	origin: 'built in',
	auth: [
		{
			method: 'api_key',
			label: 'Bedrock API key',
			hint: 'Made in the console of Bedrock, under API keys.',
			madeAt: 'https://console.aws.amazon.com/bedrock/home#/api-keys',
		},
		{
			method: 'token',
			label: 'AWS access key',
			hint: 'Its id, its secret and the session token, if there is one, joined by colons.',
			madeAt: 'https://console.aws.amazon.com/iam/home#/security_credentials',
		},
	],
	env: ['AWS_BEARER_TOKEN_BEDROCK', 'AWS_PROFILE'],
	// A profile of the shared files is heeded by some of the SDKs before the variables.
	envKinds: {AWS_BEARER_TOKEN_BEDROCK: ['api_key'], AWS_PROFILE: []},
	envParts: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'],
};
