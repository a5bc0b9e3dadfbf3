//! The table of channels, and the settings of one.

use serde::{Deserialize, Serialize};

use super::kind::{Channel, ChannelError};
use super::request::{Answer, Judgement, Outgoing, Sending};
use super::{
    Notice, discord, email, gotify, matrix, ntfy, pagerduty, pushover, slack, teams, telegram,
    webhook,
};

/// All channels, in the order of `ChannelConfig`.
pub const CHANNELS: &[Channel] = &[
    webhook::CHANNEL,
    email::CHANNEL,
    slack::CHANNEL,
    discord::CHANNEL,
    telegram::CHANNEL,
    ntfy::CHANNEL,
    pagerduty::CHANNEL,
    teams::CHANNEL,
    gotify::CHANNEL,
    pushover::CHANNEL,
    matrix::CHANNEL,
];

/// One channel of a project with its secrets. Encrypt it before it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChannelConfig {
    Webhook(webhook::Webhook),
    Email(email::Mailbox),
    Slack(slack::Slack),
    Discord(discord::Discord),
    Telegram(telegram::Telegram),
    Ntfy(ntfy::Ntfy),
    Pagerduty(pagerduty::Pagerduty),
    Teams(teams::Teams),
    Gotify(gotify::Gotify),
    Pushover(pushover::Pushover),
    Matrix(matrix::Matrix),
}

impl ChannelConfig {
    pub fn channel(&self) -> &'static Channel {
        let place = match self {
            ChannelConfig::Webhook(_) => 0,
            ChannelConfig::Email(_) => 1,
            ChannelConfig::Slack(_) => 2,
            ChannelConfig::Discord(_) => 3,
            ChannelConfig::Telegram(_) => 4,
            ChannelConfig::Ntfy(_) => 5,
            ChannelConfig::Pagerduty(_) => 6,
            ChannelConfig::Teams(_) => 7,
            ChannelConfig::Gotify(_) => 8,
            ChannelConfig::Pushover(_) => 9,
            ChannelConfig::Matrix(_) => 10,
        };
        &CHANNELS[place]
    }

    /// Whether a notice can be rendered for it. Its addresses are judged when they are called.
    pub fn check(&self) -> Result<(), ChannelError> {
        match self {
            ChannelConfig::Webhook(config) => config.check(),
            ChannelConfig::Email(config) => config.check(),
            ChannelConfig::Slack(config) => config.check(),
            ChannelConfig::Discord(config) => config.check(),
            ChannelConfig::Telegram(config) => config.check(),
            ChannelConfig::Ntfy(config) => config.check(),
            ChannelConfig::Pagerduty(config) => config.check(),
            ChannelConfig::Teams(config) => config.check(),
            ChannelConfig::Gotify(config) => config.check(),
            ChannelConfig::Pushover(config) => config.check(),
            ChannelConfig::Matrix(config) => config.check(),
        }
    }

    /// Requires that `check` has passed.
    pub fn render(&self, notice: &Notice, sending: Sending<'_>) -> Outgoing {
        Outgoing::Http(match self {
            ChannelConfig::Email(config) => {
                return Outgoing::Email(config.render(notice, sending));
            }
            ChannelConfig::Webhook(config) => config.render(notice, sending),
            ChannelConfig::Slack(config) => config.render(notice),
            ChannelConfig::Discord(config) => config.render(notice),
            ChannelConfig::Telegram(config) => config.render(notice, sending),
            ChannelConfig::Ntfy(config) => config.render(notice),
            ChannelConfig::Pagerduty(config) => config.render(notice, sending),
            ChannelConfig::Teams(config) => config.render(notice),
            ChannelConfig::Gotify(config) => config.render(notice),
            ChannelConfig::Pushover(config) => config.render(notice),
            ChannelConfig::Matrix(config) => config.render(notice, sending),
        })
    }

    /// For e-mail `status` is the code of the SMTP reply. No reason holds a secret of the channel.
    pub fn judge(&self, answer: Answer<'_>) -> Judgement {
        let mut judgement = match self {
            ChannelConfig::Webhook(_) | ChannelConfig::Ntfy(_) => answer.judge_status(),
            ChannelConfig::Email(_) => email::judge(answer),
            ChannelConfig::Slack(_) => slack::judge(answer),
            ChannelConfig::Discord(_) => discord::judge(answer),
            ChannelConfig::Telegram(_) => telegram::judge(answer),
            ChannelConfig::Pagerduty(_) => pagerduty::judge(answer),
            ChannelConfig::Teams(_) => teams::judge(answer),
            ChannelConfig::Gotify(_) => gotify::judge(answer),
            ChannelConfig::Pushover(_) => pushover::judge(answer),
            ChannelConfig::Matrix(_) => matrix::judge(answer),
        };
        if let Judgement::Again { reason, .. } | Judgement::Permanent { reason, .. } =
            &mut judgement
        {
            *reason = self.redacted(reason);
        }
        judgement
    }

    /// The text without the channel's secrets: some services repeat them in their errors.
    pub fn redacted(&self, text: &str) -> String {
        let fields = serde_json::to_value(self).unwrap_or_default();
        let mut text = text.to_owned();
        for name in self.channel().secrets {
            let secret = fields.get(name).and_then(|value| value.as_str()).unwrap_or_default();
            // An address is secret because of the part after its host.
            let path = secret.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
            for part in [secret, path.map_or("", |(_, path)| path)] {
                if part.len() >= 4 {
                    text = text.replace(part, "…");
                }
            }
        }
        text
    }
}
