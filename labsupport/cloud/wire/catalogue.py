"""Which service a request's outside names: a small table, so that no model is read only to find the service.

A test compares every line with botocore's models.
"""

# The part of X-Amz-Target before the last dot, for services that speak json.
TARGETS = {
    "AWSEvents": "events",
    "AWSOrganizationsV20161128": "organizations",
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "AmazonSQS": "sqs",
    "AmazonSSM": "ssm",
    "CodeBuild_20161006": "codebuild",
    "CodeCommit_20150413": "codecommit",
    "CodeDeployCommandService_v20141006": "codedeploy-commands",
    "CodeDeploy_20141006": "codedeploy",
    "CodePipeline_20150709": "codepipeline",
    "GraniteServiceVersion20100801": "cloudwatch",
    "Logs_20140328": "logs",
    "TrentService": "kms",
    "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101": "cloudtrail",
    "secretsmanager": "secretsmanager",
}

# The Version field, for services that take form fields (query and ec2).
VERSIONS = {
    "2010-03-31": "sns",
    "2010-05-08": "iam",
    "2010-05-15": "cloudformation",
    "2010-08-01": "cloudwatch",
    "2010-12-01": "elasticbeanstalk",
    "2011-01-01": "autoscaling",
    "2011-06-15": "sts",
    "2012-11-05": "sqs",
    "2015-12-01": "elbv2",
    "2016-11-15": "ec2",
}

# Services that are known by method and path; S3 owns every path that no other has.
REST = ("lambda", "s3")

# Names in a signature's scope that differ from botocore's name for the service.
SIGNED_AS = {
    "elasticloadbalancing": "elbv2",
    "monitoring": "cloudwatch",
    "s3-object-lambda": "s3",
    "s3express": "s3",
}

SERVICES = frozenset({*TARGETS.values(), *VERSIONS.values(), *REST})
