# Where applications run.
variable "environment" { type = string }

data "aws_ssm_parameter" "vpc_id" {
  name = "/shop/${var.environment}/foundation/vpc-id"
}

resource "aws_security_group" "applications" {
  name   = "shop-${var.environment}-applications"
  vpc_id = data.aws_ssm_parameter.vpc_id.insecure_value
}

resource "aws_ssm_parameter" "security_group_id" {
  name  = "/shop/${var.environment}/platform/security-group-id"
  type  = "String"
  value = aws_security_group.applications.id
}
